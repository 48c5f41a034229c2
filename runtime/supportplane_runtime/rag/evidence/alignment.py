"""Which stretch of a passage speaks of what a sentence speaks of, by the words that they share; pure, called by rules/.

It says nothing about whether the stretch proves the sentence.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from supportplane_runtime.languages import Language
from supportplane_runtime.rag.words.lexemes import sequence
from supportplane_runtime.rag.words.units import Kind, units

# A stretch as good as nine tenths of the best may be the one that is meant.
NEAR_BEST: Final = 0.9
# Of two stretches that share the same words the shorter one is meant. A guess.
COST_OF_OTHER_WORDS: Final = 0.02
# A part of a sentence with fewer words of its own is no statement.
LEAST_WORDS: Final = 2

_CLAUSE = re.compile(r"(?<=[,;:])\s+|\s+[\u2013\u2014]\s+|\s*[()|]\s*")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A unit of a passage: its place in the passage, its heading or lead-in, the stems of its words.

    subject: the stems of what a sentence that leans on the one before it is about.
    """

    position: int
    text: str
    context: str
    kind: Kind
    words: frozenset[str]
    is_numbered: bool
    subject: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage taken apart. statements: its text without questions and the numbers of its items."""

    text: str
    statements: str
    stretches: tuple[Stretch, ...]
    rarity: dict[str, float]
    language: Language

    def weight(self, words: frozenset[str]) -> float:
        return sum(self.rarity.get(word, 0.0) for word in words)


_ITEM_NUMBER = re.compile(r"^(\s*)\d{1,3}[.)](?=\s)", re.MULTILINE)


@lru_cache(maxsize=64)
def taken_apart(text: str, language: Language) -> Passage:
    """Headings and questions state nothing, so they are no stretches."""
    stretches: list[Stretch] = []
    heading, lead, before, said_only = "", "", "", []
    for position, unit in enumerate(units(text, language)):
        if not _asks(unit.text):
            said_only.append(_ITEM_NUMBER.sub(r"\1", unit.text))
        if unit.kind is Kind.HEADING:
            heading = unit.text
            continue
        said, numbered = _ITEM_NUMBER.subn(" ", unit.text)
        for sentence in sentences(said, unit.kind):
            context = _subject(sentence, before, language)
            subject = frozenset(sequence(context, language))
            if unit.kind in (Kind.ITEM, Kind.CODE):
                context = f"{lead}\n{said.partition('. ')[0] if sentence != said else ''}"
            words = frozenset(sequence(sentence, language))
            if not _asks(sentence):
                around = f"{heading}\n{context}"
                stretches.append(Stretch(position, sentence, around, unit.kind, words, numbered > 0, subject))
            before = sentence
        lead = lead if unit.kind is Kind.ITEM else unit.text
    counts = Counter(word for stretch in stretches for word in stretch.words)
    rarity = {word: math.log(1 + len(stretches) / count) for word, count in counts.items()}
    return Passage(text, "\n".join(said_only), tuple(stretches), rarity, language)


_SENTENCE = re.compile(r"(?<=[^\W\d]{2}[.!?])\s+(?=[A-Z`\"(])")
_AFTER: Final = "\"'\u201d\u2019)]*_ \n"
_QUESTIONS: Final = ("?", "\uff1f")


def _asks(text: str) -> bool:
    return text.rstrip(_AFTER).endswith(_QUESTIONS)


def sentences(text: str, kind: Kind) -> list[str]:
    """Of an item, which is one unit however many sentences it has."""
    return [part for part in _SENTENCE.split(text) if part.strip()] if kind is Kind.ITEM else [text]


def _subject(sentence: str, before: str, language: Language) -> str:
    """What a sentence that leans on the one before it is about: that one's first words."""
    words = sentence.casefold().split()
    leans = bool(words) and words[0].strip(",.") in language.leaning_words
    return " ".join(before.split()[:SUBJECT_WORDS]) if leans else ""


# A guess: a name of three words and an article.
SUBJECT_WORDS: Final = 4
# What a sentence only leans on counts half of what stands in it. A guess.
SUBJECT_WEIGHT: Final = 0.5


def best(words: frozenset[str], passage: Passage, *, near: float = NEAR_BEST) -> Sequence[Stretch]:
    """The stretches that share most with the words, best first; none when none shares anything."""
    scored = sorted(
        ((score(words, each, passage), -each.position, each) for each in passage.stretches),
        reverse=True,
        key=lambda known: known[:2],
    )
    if not scored or scored[0][0] <= 0:
        return ()
    return [each for value, _, each in scored if value >= near * scored[0][0]]


def score(words: frozenset[str], stretch: Stretch, passage: Passage) -> float:
    meant = SUBJECT_WEIGHT * passage.weight(words & (stretch.subject - stretch.words))
    shared = passage.weight(words & stretch.words) + meant
    return shared - COST_OF_OTHER_WORDS * passage.weight(stretch.words - words) if shared else 0.0


def clauses(sentence: str, language: Language) -> list[str]:
    """The parts of a sentence that are statements of their own."""
    parts = [part for part in _CLAUSE.split(sentence) if part and part.strip()]
    return [part for part in parts if len(set(sequence(part, language))) >= LEAST_WORDS]
