"""The languages that an agent speaks: what the files of ``languages`` say of them, made into patterns.

Used by the understand node (recognition) and the decide node (replies). Detection counts function words, by the same
lists that search leaves out. Measured on 17,506 English questions of five sets: 22 taken for another language, at
0.02 ms each. py3langid gets 64 wrong there, takes 0.13 ms, 1.8 s to load and 75 MB, so it is not used.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from supportplane_runtime.languages import ENGLISH, SMALL_TALK, Language, Speech, codes, language
from supportplane_runtime.rag.words.lexemes import lexemes

# A language other than the expected one must win clearly: one function word of its own, half a word ahead.
LEAST_SCORE: Final = 1.0
LEAST_LEAD: Final = 0.5

# Not what stands in options, paths and addresses: `--data-dir` is no German.
_WORD = re.compile(r"(?<![-/.@=\w])(?:[^\W\d_]{2,}|y|à)(?![-/@=\w])")
_NOT_TEXT = re.compile(r"[^\w\s]|_")


@dataclass(frozen=True, slots=True)
class SpokenLanguage:
    """A language that an agent speaks. code: two letters. Patterns expect ``plain`` text."""

    code: str
    name: str  # in the language itself
    words: frozenset[str]  # by which it is told
    small_talk: re.Pattern[str]  # fits a message that is nothing else
    small_talk_kinds: Mapping[str, re.Pattern[str]]  # the first that is found in it says which reply it gets
    wants_person: re.Pattern[str]
    vague: frozenset[str]  # lexemes
    leaning: re.Pattern[str]  # found in a message that may lean on what was said before
    progress: Mapping[str, str]
    replies: Mapping[str, str]


def plain(text: str) -> str:
    """Lower case words with single blanks: what phrases are compared with. ``What's`` is ``what s``."""
    return " ".join(_NOT_TEXT.sub(" ", text.casefold()).split())


@cache
def spoken_languages() -> Mapping[str, SpokenLanguage]:
    """By code. Raises BrokenLanguage."""
    known = [language(code) for code in codes()]
    return {each.code: _spoken(each, each.speech) for each in known if each.speech is not None}


def spoken_language(code: str) -> SpokenLanguage:
    """The language by its code (`de-AT` is `de`), English where the agent does not speak it."""
    return spoken_languages().get(language(code).code, spoken_languages()[ENGLISH])


def detect(text: str, *, expected: str) -> str:
    """The language a text is written in, or ``expected`` when nothing clearly says another one."""
    found = Counter(_WORD.findall(text.casefold()))
    scores = {
        code: sum(weights.get(word, 0.0) * n for word, n in found.items()) for code, weights in _weights().items()
    }
    best = max(scores, key=lambda code: scores[code])
    clear = scores[best] >= LEAST_SCORE and scores[best] - scores.get(expected, 0.0) >= LEAST_LEAD
    return best if clear else expected


@cache
def _weights() -> Mapping[str, Mapping[str, float]]:
    """The words of each language; one that several share counts a share in each."""
    shared = Counter(word for known in spoken_languages().values() for word in known.words)
    return {code: {word: 1 / shared[word] for word in known.words} for code, known in spoken_languages().items()}


def _spoken(known: Language, speech: Speech) -> SpokenLanguage:
    kinds = speech.small_talk
    return SpokenLanguage(
        code=known.code,
        name=speech.name,
        words=known.function_words | speech.markers | speech.vague,
        small_talk=_nothing_but([phrase for kind in SMALL_TALK for phrase in kinds[kind]], speech.fillers),
        small_talk_kinds={kind: re.compile(rf"\b(?:{_any(kinds[kind])})\b") for kind in SMALL_TALK},
        wants_person=re.compile("|".join(f"(?:{pattern})" for pattern in speech.wants_person)),
        vague=frozenset(lexemes(" ".join(speech.vague), known)),
        leaning=re.compile(rf"^(?:{_any(speech.leaning.first)})\b|\b(?:{_any(speech.leaning.anywhere)})\b"),
        progress=speech.progress,
        replies=speech.replies,
    )


def _nothing_but(phrases: Iterable[str], fillers: Iterable[str]) -> re.Pattern[str]:
    """Fits a message made of such phrases and fillers only: `hi, how do I ...` is a question."""
    return re.compile(rf"(?:{_any(fillers)} )*(?:{_any(phrases)})(?: (?:{_any([*phrases, *fillers])}))*")


def _any(phrases: Iterable[str]) -> str:
    return "|".join(re.escape(plain(phrase)) for phrase in sorted(phrases, key=len, reverse=True))
