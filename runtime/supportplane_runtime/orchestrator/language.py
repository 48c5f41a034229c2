"""The languages of the orchestrator: each a file in languages/ with what is recognised in it and what is said in it.

Read once at start; used by the understand node (recognition) and the decide node (replies). Detection counts function
words, by the same lists that search leaves out. Measured on 17,506 English questions of five sets: 22 taken for another
language, at 0.02 ms each. py3langid gets 64 wrong there, takes 0.13 ms, 1.8 s to load and 75 MB, so it is not used.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from ruamel.yaml import YAML

from supportplane_runtime.rag.lexemes import lexemes

FALLBACK: Final = "en"
# A language other than the expected one must win clearly: one function word of its own, half a word ahead.
LEAST_SCORE: Final = 1.0
LEAST_LEAD: Final = 0.5

# Which reply a mixed message gets: `hello, who are you?` is about who, `hi, thanks, bye` a thank-you.
SMALL_TALK: Final = ("identity", "ability", "thanks", "wellbeing", "farewell", "greeting")

# Not what stands in options, paths and addresses: `--data-dir` is no German.
_WORD = re.compile(r"(?<![-/.@=\w])(?:[^\W\d_]{2,}|y|à)(?![-/@=\w])")
_NOT_TEXT = re.compile(r"[^\w\s]|_")


@dataclass(frozen=True, slots=True)
class Language:
    """What is known about a language. code: two letters. Phrases and patterns expect ``plain`` text."""

    code: str
    name: str  # in the language itself
    words: frozenset[str]  # that tell it from others, besides function words
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
def languages() -> Mapping[str, Language]:
    """By code. Raises KeyError naming what a file lacks: a broken file stops the start."""
    folder = resources.files("supportplane_runtime.orchestrator") / "languages"
    codes = sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))
    return {
        code: _language(code, YAML(typ="safe", pure=True).load((folder / f"{code}.yaml").read_text("utf-8")))
        for code in codes
    }


def language(code: str) -> Language:
    """The language by its code (`de-AT` is `de`), English where it has no file."""
    return languages().get(code.split("-", maxsplit=1)[0].lower(), languages()[FALLBACK])


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
    """Each language's function words; one that several share counts a share in each."""
    words = {code: _function_words(code) | known.words for code, known in languages().items()}
    shared = Counter(word for group in words.values() for word in group)
    return {code: {word: 1 / shared[word] for word in group} for code, group in words.items()}


def _function_words(code: str) -> frozenset[str]:
    file = resources.files("supportplane_runtime.rag") / "stopwords" / f"{code}.txt"
    return frozenset(file.read_text(encoding="utf-8").split())


def _language(code: str, file: dict[str, Any]) -> Language:
    return Language(
        code=code,
        name=file["name"],
        words=frozenset(file["markers"]) | frozenset(file["vague"]),
        small_talk=_nothing_but(
            [phrase for kind in SMALL_TALK for phrase in file["small_talk"][kind]], file["fillers"]
        ),
        small_talk_kinds={kind: re.compile(rf"\b(?:{_any(file['small_talk'][kind])})\b") for kind in SMALL_TALK},
        wants_person=re.compile("|".join(f"(?:{pattern})" for pattern in file["wants_person"])),
        vague=frozenset(lexemes(" ".join(file["vague"]), code)),
        leaning=re.compile(rf"^(?:{_any(file['leaning']['first'])})\b|\b(?:{_any(file['leaning']['anywhere'])})\b"),
        progress=file["progress"],
        replies=file["replies"],
    )


def _nothing_but(phrases: list[str], fillers: list[str]) -> re.Pattern[str]:
    """Fits a message made of such phrases and fillers only: `hi, how do I ...` is a question."""
    return re.compile(rf"(?:{_any(fillers)} )*(?:{_any(phrases)})(?: (?:{_any([*phrases, *fillers])}))*")


def _any(phrases: list[str]) -> str:
    return "|".join(re.escape(plain(phrase)) for phrase in sorted(phrases, key=len, reverse=True))
