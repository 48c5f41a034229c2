"""Whether a passage proves a sentence, and by which of its words; pure, called by the orchestrator's verify node.

A quotation proves itself. A sentence in other words is proven by a stretch of the passage that says all its numbers,
names and code, nearly all its words, in the same order, and holds the same number of denials. No model judges: a reader
can check what passes, and text in a passage can't talk its way through. The check errs towards rejecting; a rejected
sentence is replaced by a quotation. In a language whose denials are unknown only a quotation proves anything: that a
passage says the opposite would not be seen.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from supportplane_runtime.languages import Language
from supportplane_runtime.rag.words.lexemes import sequence
from supportplane_runtime.rag.words.units import Kind, units

# Shares of a claim's words that must be there, and of its neighbouring pairs that must be there in this order.
WORDS_HELD: Final = 0.85
ORDER_HELD: Final = 0.8
LEAST_WORDS: Final = 2
# A claim may draw on two neighbouring sentences when each has so many of its words that the other lacks.
LEAST_OWN: Final = 2

_SPACE = re.compile(r"\s+")
_MARKUP = re.compile(r"[*_`\"“”«»„]+")
# What must be the very same: numbers, versions, code and identifiers, flags, names in capitals.
_LITERAL = re.compile(r"\d+(?:[.,:]\d+)*%?|--?[a-z][\w-]*|[\w./-]*[_/][\w./-]*\w|\b[A-Z][A-Z0-9]+\b|\b[a-z]+[A-Z]\w*")
_CODE_SPAN = re.compile(r"`([^`]+)`")
_NAME = re.compile(r"(?<=[\w,;:)]\s)[A-ZÀ-ÖØ-Þ][\w'-]+")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019]t\b)?")


def support(claim: str, passage: str, language: Language) -> str | None:
    """The words of the passage that prove the claim, verbatim, or None."""
    quoted = _quotation(claim, passage)
    if quoted is not None or language.denials is None:
        return quoted
    wanted = sequence(claim, language)
    if len(set(wanted)) < LEAST_WORDS:
        return None
    candidates = _stretches(passage, set(wanted), language)
    stretches = (stretch for stretch in candidates if _holds(stretch, claim, wanted, language))
    return min(stretches, key=len, default=None)


def _quotation(claim: str, passage: str) -> str | None:
    """The claim where it stands in the passage, white space apart; half a word is no quotation."""
    words = _SPACE.split(claim.strip())
    if not any(words):
        return None
    pattern = r"(?<!\w)" + r"\s+".join(re.escape(word) for word in words) + r"(?!\w)"
    match = re.search(pattern, passage)
    return match[0] if match else None


def _stretches(passage: str, wanted: set[str], language: Language) -> Iterator[str]:
    """Each unit, and neighbours that both have something to say to the claim."""
    whole = [unit for unit in units(passage, language) if unit.kind is not Kind.HEADING]
    yield from (unit.text for unit in whole)
    for first, second in pairwise(whole):
        if Kind.CODE in (first.kind, second.kind) or Kind.ROW in (first.kind, second.kind):
            continue
        ours, theirs = (wanted.intersection(sequence(unit.text, language)) for unit in (first, second))
        if min(len(ours - theirs), len(theirs - ours)) >= LEAST_OWN:
            yield passage[first.start : second.end]


def _holds(stretch: str, claim: str, wanted: Sequence[str], language: Language) -> bool:
    held = sequence(stretch, language)
    known = set(held)
    return (
        sum(word in known for word in wanted) >= WORDS_HELD * len(wanted)
        and _literals(claim) <= _literals(stretch) | set(_WORD.findall(stretch))
        and all(span in stretch for span in _CODE_SPAN.findall(claim))
        and denials(claim, language) == denials(stretch, language)
        and _in_order(wanted, held)
    )


def _literals(text: str) -> set[str]:
    plain = _MARKUP.sub("", text)
    return {match.strip(".,:") for match in _LITERAL.findall(plain)} | set(_NAME.findall(plain))


def denials(text: str, language: Language) -> int:
    """How often the text denies or restricts: "only on Linux" is not "on Linux"."""
    known = language.denials or frozenset()
    return sum(word in known or word.endswith(("n't", "n\u2019t")) for word in _WORD.findall(text.casefold()))


def _in_order(wanted: Sequence[str], held: Sequence[str]) -> bool:
    """Most neighbours of the claim come in the same order in the passage: who replaces whom is not turned round."""
    pairs = [(first, second) for first, second in pairwise(wanted) if first in held and second in held]
    if not pairs:
        return False
    last = {word: n for n, word in enumerate(held)}
    return sum(held.index(first) < last[second] for first, second in pairs) >= ORDER_HELD * len(pairs)
