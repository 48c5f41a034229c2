"""Whether a message stands for itself or leans on what was said before it; pure, by the words of ``languages``.

Called by nodes/understand.py. A message that stands is answered as in a fresh conversation. One that leans is read and
searched with the exchange that it leans on (exchange.py). Why, and what was measured: ADR 0036.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from supportplane_runtime.languages import language
from supportplane_runtime.orchestrator.language import SpokenLanguage, content
from supportplane_runtime.orchestrator.phrases import any_of, plain

# A longer question stands for itself even if it begins with "and" or holds an "it". A guess.
LEANING_LEXEMES = 6
# So few words are no clause of their own: `on Windows`, `the annual plan`. A guess.
FRAGMENT_WORDS = 3
# So many words before an "its" are what it may point at: `Where does the backup command write its archive?`. A guess.
SUBJECT_WORDS = 3
NOTHING = "(?!)"

_CLAUSE_END = re.compile(r"[,.;:!?\u2013\u2014\n]+")


class Leaning(StrEnum):
    STANDS = "stands"  # `How do I change the port?`
    DOUBTFUL = "doubtful"  # `And how can I pay?`: asked alone, and with the exchange when nothing answers it alone
    ADDS = "adds"  # `and on Windows?` names something new about the old subject, or a new subject
    LEANS = "leans"  # `how do I undo that?`


@dataclass(frozen=True, slots=True)
class _Marks:
    """Of a language. Patterns expect ``plain`` text, but articles, whose capital letters tell nouns."""

    first: re.Pattern[str]
    anywhere: re.Pattern[str]
    maybe: re.Pattern[str]
    idioms: re.Pattern[str]
    articles: re.Pattern[str]


def leaning(message: str, known: SpokenLanguage) -> Leaning:
    marks = _marks(known.code)
    own = content(message, known)
    if not own:
        return Leaning.LEANS
    if len(own) >= LEANING_LEXEMES:
        return Leaning.STANDS
    pointing = _points_back(message, known, marks)
    if pointing is not None:
        return pointing
    words = plain(message)
    opening = marks.first.match(words)
    rest = words[opening.end() :] if opening else words
    if len(rest.split()) <= FRAGMENT_WORDS:
        return Leaning.ADDS
    return Leaning.DOUBTFUL if opening or marks.maybe.search(words) else Leaning.STANDS


def _points_back(message: str, known: SpokenLanguage, marks: _Marks) -> Leaning | None:
    """By a word like `it`, which may point at what an earlier clause names: `My hub is off, how do I reset it?`."""
    has_subject = False
    for clause in _clauses(marks.articles.sub(" ", message), marks):
        told = marks.idioms.sub(" ", clause)
        pointer = marks.anywhere.search(told)
        if pointer is not None:
            has_subject = has_subject or len(content(told[: pointer.start()], known)) >= SUBJECT_WORDS
            return Leaning.DOUBTFUL if has_subject else Leaning.LEANS
        has_subject = has_subject or bool(content(clause, known))
    return None


def _clauses(message: str, marks: _Marks) -> list[str]:
    """Each as ``plain`` text. A word that a follow-up may begin with (`and`) begins a clause."""
    clauses: list[str] = []
    for part in map(plain, _CLAUSE_END.split(message)):
        clauses.append("")
        for word in part.split():
            if marks.first.fullmatch(word) and not marks.anywhere.search(word):
                clauses.append("")
            clauses[-1] = f"{clauses[-1]} {word}".strip()
    return [clause for clause in clauses if clause]


@cache
def _marks(code: str) -> _Marks:
    speech = language(code).speech
    assert speech is not None, "a spoken language has speech"  # noqa: S101
    marks = speech.leaning
    articles = "|".join(map(re.escape, marks.articles)) or NOTHING
    return _Marks(
        first=re.compile(rf"^(?:{any_of(marks.first)})"),
        anywhere=re.compile(any_of([*marks.anywhere, *(f"{phrase}$" for phrase in marks.last)])),
        maybe=re.compile(any_of(marks.maybe) or NOTHING),
        idioms=re.compile(any_of(marks.idioms) or NOTHING),
        # Before a noun, which has a capital letter, or an adjective and a noun.
        articles=re.compile(rf"\b(?i:{articles})(?=\s+(?:[^\W\dA-ZÀ-ÖØ-Þ]\w*\s+)?[A-ZÀ-ÖØ-Þ])"),
    )
