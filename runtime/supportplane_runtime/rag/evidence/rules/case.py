"""A sentence put beside its passage, and what every rule asks of the two; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from supportplane_runtime.languages import Language
from supportplane_runtime.rag.evidence import alignment
from supportplane_runtime.rag.evidence.alignment import Stretch
from supportplane_runtime.rag.evidence.marks import WORD, denials, phrases
from supportplane_runtime.rag.words.lexemes import sequence

# A stretch with so much of the best one's words may be meant. A guess, tried on one half of the claims.
MAYBE_MEANT: Final = 0.7
# By how much of a sentence's words another place must fit better than its own. A guess, tried in the same way.
RIVAL_BY: Final = 0.15


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence (without its yes or no), the language of it, and its passage.

    is_same: both are in one language, so that their words compare.
    """

    claim: str
    spoken: Language
    passage: alignment.Passage
    is_same: bool

    @property
    def written(self) -> Language:
        return self.passage.language


def fit(words: frozenset[str], around: frozenset[str], case: Case) -> float:
    whole = case.passage.weight(words)
    return case.passage.weight(words & around) / whole if whole else 0.0


def content(text: str, case: Case) -> frozenset[str]:
    return frozenset(word for word in sequence(text, case.written) if len(word) > 1 and not word.isdigit())


# Words of two languages that begin with so many equal letters are taken for one: password, Passwort. A guess.
BEGINNING: Final = 4


def cognates(one: str, other: str) -> frozenset[str]:
    """The beginnings of words that stand in both texts, whatever their languages are."""
    first, second = ({word[:BEGINNING] for word in WORD.findall(text.casefold())} for text in (one, other))
    return frozenset(word for word in first & second if len(word) == BEGINNING)


def mostly(words: frozenset[str], known: frozenset[str]) -> bool:
    return bool(words) and 2 * len(words & known) >= len(words)


def denies(text: str, language: Language) -> bool:
    """Two denials are none: nothing works without a key. In a language whose denials agree they are one."""
    count = denials(_without_bounds(text, language), language)
    return count > 0 if language.denials_agree else count % 2 == 1


def _without_bounds(text: str, language: Language) -> str:
    """`no more than two`, `cannot be larger than two` and `whether or not` deny nothing."""
    meaning = language.meaning
    if meaning is None:
        return text
    plain = _denied_bounds(language).sub(" ", " ".join(text.replace("\u2019", "'").casefold().split()))
    for group in (meaning.at_most, meaning.at_least, meaning.even, meaning.only, meaning.exceptions, meaning.idioms):
        plain = phrases(group).sub(" ", plain)
    return plain


@cache
def _denied_bounds(language: Language) -> re.Pattern[str]:
    """A denial, one word or none, and a bound: `cannot be larger than`."""
    bounds = (*language.meaning.at_most, *language.meaning.at_least) if language.meaning else ()
    denying = "|".join(re.escape(word) for word in sorted(language.denials or ()))
    return re.compile(rf"(?<!\w)(?:{denying}|\w+n't)(?:\s\w+)?\s(?={phrases(bounds).pattern}\s(?:\S+\s)?\S*\d)")


def clauses_of(case: Case, *, near: float = alignment.NEAR_BEST) -> list[tuple[str, Sequence[Stretch]]]:
    """The claim's clauses, with what they may be about."""
    texts = alignment.clauses(case.claim, case.written) or [case.claim]
    return [(text, alignment.best(content(text, case), case.passage, near=near)) for text in texts]


def worded(case: Case) -> bool:
    return case.is_same and case.written.meaning is not None
