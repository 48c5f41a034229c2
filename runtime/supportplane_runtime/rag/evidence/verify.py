"""Whether a passage proves a sentence by its own words, without a judge of meaning; pure.

A quotation proves itself. A sentence in nearly the same words is proven by a stretch of the passage when it breaks no
rule of rules/, the stretch says all its words in the same order, and both have the same denials and the same words
that bind, widen, narrow or order what is said. The check errs towards rejecting; a rejected sentence is replaced by a
quotation. In a language whose words of that kind are unknown only a quotation proves anything.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from supportplane_runtime.languages import Language
from supportplane_runtime.rag.evidence.alignment import best, taken_apart
from supportplane_runtime.rag.evidence.marks import Mark, denial_words, marks, statement, stems, without_marks
from supportplane_runtime.rag.evidence.measures import in_plain_numbers
from supportplane_runtime.rag.evidence.rules.case import denies
from supportplane_runtime.rag.evidence.rules.numbers import bounds
from supportplane_runtime.rag.evidence.rules.table import breach
from supportplane_runtime.rag.words.lexemes import sequence
from supportplane_runtime.rag.words.units import Kind, units

# Shares of a claim's words that must be there, and of its neighbouring pairs that must be there in this order.
WORDS_HELD: Final = 0.85
ORDER_HELD: Final = 0.75
LEAST_WORDS: Final = 2
# A claim may draw on two neighbouring sentences when each has so many of its words that the other lacks.
LEAST_OWN: Final = 2

_SPACE = re.compile(r"\s+")
# Words that a sentence may not have where its passage has none of their kind, and those it may not leave out.
_ADDED: Final = (
    Mark.MUST, Mark.EVERY, Mark.ALWAYS, Mark.EVEN, Mark.ONLY, Mark.BEFORE, Mark.AFTER, Mark.FIRST, Mark.THEN,
    Mark.EXCEPTIONS, Mark.INCLUDING, Mark.OPTIONAL,
)  # fmt: skip
_DROPPED: Final = (Mark.ONLY, Mark.EXCEPTIONS, Mark.USUALLY, Mark.SOME)


_CONTRACTION = re.compile(r"(?:n['\u2019]t|['\u2019](?:re|ll|ve|s|d|m))\b")


def support(claim: str, passage: str, language: Language) -> str | None:
    """The words of the passage that prove the claim, verbatim, or None. language: of both."""
    quoted = quotation(claim, passage)
    if quoted is not None or language.denials is None or language.meaning is None:
        return quoted
    said = statement(claim, language)
    wanted = _words(said, language)
    if len(set(wanted)) < LEAST_WORDS or breach(claim, passage, spoken=language, written=language) is not None:
        return None
    spoken_of = frozenset(_words(passage, language))
    candidates = _stretches(passage, set(wanted), language)
    stretches = (text for text, context in candidates if _holds(text, context, said, wanted, spoken_of, language))
    return min(stretches, key=len, default=None)


def basis(claim: str, passage: str, language: Language) -> str:
    """The statement of the passage that shares most with a claim, verbatim; the whole passage when none stands out."""
    found = best(frozenset(sequence(claim, language)), taken_apart(passage, language))
    return next((each.text.strip() for each in found if each.text in passage), passage.strip())


def _words(text: str, language: Language) -> list[str]:
    """What is compared: marks and denials have rules of their own, and light words say nothing."""
    plain = without_marks(in_plain_numbers(_CONTRACTION.sub(" ", text), language), language)
    light = language.meaning.light if language.meaning else frozenset()
    left_out = stems(" ".join(light), language)
    return [word for word in sequence(plain, language) if word not in left_out]


def quotation(claim: str, passage: str) -> str | None:
    """The claim where it stands in the passage, white space apart; half a word is no quotation."""
    words = _SPACE.split(claim.strip())
    if not any(words):
        return None
    pattern = r"(?<!\w)" + r"\s+".join(re.escape(word) for word in words) + r"(?!\w)"
    match = re.search(pattern, passage)
    return match[0] if match else None


def _stretches(passage: str, wanted: set[str], language: Language) -> Iterator[tuple[str, str]]:
    """Each statement with what it is about, and neighbours that both have something to say to the claim."""
    yield from (
        (each.text, each.context.partition("\n")[0])
        for each in taken_apart(passage, language).stretches
        if each.text in passage
    )
    whole = [unit for unit in units(passage, language) if unit.kind is not Kind.HEADING]
    for first, second in pairwise(whole):
        if denies(f"{first.text} {second.text}", language):
            continue  # what the one denies the other may say
        if Kind.CODE in (first.kind, second.kind) or Kind.ROW in (first.kind, second.kind):
            continue
        ours, theirs = (wanted.intersection(_words(unit.text, language)) for unit in (first, second))
        if min(len(ours - theirs), len(theirs - ours)) >= LEAST_OWN:
            yield passage[first.start : second.end], ""


def _holds(
    stretch: str, context: str, claim: str, wanted: Sequence[str], spoken_of: frozenset[str], language: Language
) -> bool:
    held = _words(stretch, language)
    missing = set(wanted) - set(held)
    return (
        not (missing - set(_words(context, language))) & spoken_of
        and len(missing - set(_words(context, language))) <= (1 - WORDS_HELD) * len(set(wanted))
        and denial_words(claim, language) == denial_words(stretch, language)
        and _says_as_much(claim, stretch, language)
        and _in_order(wanted, held)
    )


def _says_as_much(claim: str, stretch: str, language: Language) -> bool:
    ours, theirs = marks(claim, language), marks(stretch, language)
    added = any(ours[mark] and not theirs[mark] for mark in _ADDED)
    dropped = any(theirs[mark] and not ours[mark] for mark in _DROPPED if not (mark is Mark.USUALLY and ours[Mark.MAY]))
    return not added and not dropped and bounds(claim, language) <= bounds(stretch, language)


def _in_order(wanted: Sequence[str], held: Sequence[str]) -> bool:
    """Most neighbours of the claim come in the same order in the passage: who replaces whom is not turned round."""
    pairs = [(first, second) for first, second in pairwise(wanted) if first in held and second in held]
    if not pairs:
        return False
    last = {word: n for n, word in enumerate(held)}
    return sum(held.index(first) < last[second] for first, second in pairs) >= ORDER_HELD * len(pairs)
