"""Messages that speak of the conversation and not of the product: `that did not help`, `any news?`. Pure.

Called by nodes/understand.py. A message counts only when it says nothing else, so `that did not help, the ring is red`
is a question. By the words of ``languages``; a language that lists none has those that deny.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from supportplane_runtime.languages import Language, language
from supportplane_runtime.orchestrator.language import SpokenLanguage, content
from supportplane_runtime.orchestrator.phrases import plain
from supportplane_runtime.rag.words.lexemes import sequence

# As words are written: contractions fall apart in ``plain``.
_DENIED = re.compile(r"n['\u2019]t\b")
_CLAUSE_END = re.compile(r"[,.;:!\u2013\u2014\n]+")


@dataclass(frozen=True, slots=True)
class _Words:
    """Lexemes, but denials, which are words as written."""

    denials: frozenset[str]
    rejecting: frozenset[str]
    waiting: frozenset[str]
    about: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.rejecting | self.waiting | self.about


def is_aside(message: str, known: SpokenLanguage) -> bool:
    """Nothing in it is about the product."""
    return content(message, known) <= _words(known.code).all


def rejects(message: str, known: SpokenLanguage) -> bool:
    """Nothing but that an answer is wrong or did not help. A question (`why not?`) is none."""
    return is_aside(message, known) and not message.rstrip().endswith("?") and _denies(message, known)


def denies_only(message: str, known: SpokenLanguage) -> bool:
    """It says no more than no."""
    words, said = _words(known.code), plain(message).split()
    return bool(said) and all(word in words.denials or _stems(word, known) & words.rejecting for word in said)


def begins_with_rejection(message: str, known: SpokenLanguage) -> str | None:
    """What comes after it: `how can I pay?` of `No. How can I pay?`; None where no rejection comes first."""
    end = _CLAUSE_END.search(message)
    if end is None or not rejects(message[: end.start()], known) or is_aside(message, known):
        return None
    return message[end.end() :].strip()


def awaits(message: str, known: SpokenLanguage) -> bool:
    """Asks after an answer that a person was to give: `any news?`."""
    return is_aside(message, known) and bool(content(message, known) & _words(known.code).waiting)


def _denies(message: str, known: SpokenLanguage) -> bool:
    words, folded = _words(known.code), message.casefold()
    said = plain(message).split()
    denied = any(word in words.denials for word in said) or _DENIED.search(folded) is not None
    return denied or bool(_stems(message, known) & words.rejecting)


def _stems(text: str, known: SpokenLanguage) -> frozenset[str]:
    return frozenset(sequence(text, language(known.code)))


@cache
def _words(code: str) -> _Words:
    known = language(code)
    said = known.speech.remarks if known.speech is not None else None
    lists = (said.rejecting, said.waiting, said.about) if said is not None else ((), (), ())
    rejecting, waiting, about = (_lexemes_of(words, known) for words in lists)
    return _Words(frozenset(map(plain, known.denials or ())), rejecting, waiting, about)


def _lexemes_of(words: Iterable[str], known: Language) -> frozenset[str]:
    return frozenset(sequence(" ".join(words), known))
