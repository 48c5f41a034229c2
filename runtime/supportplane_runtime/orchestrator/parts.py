"""A message that asks several things to its parts, each of which is searched and answered; pure, for nodes/retrieve.py.

`When are you open and how can I pay?` has two parts, and so have two questions one after the other. Two things joined
in one question, also in a comparison, are sides: each is searched by itself too, and adds what the answer lacks of it.
A message as long as a letter is no list of questions and stays whole (rag/search/fusion.py searches its parts).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from supportplane_runtime.languages import Language, language
from supportplane_runtime.orchestrator.language import SpokenLanguage, content
from supportplane_runtime.orchestrator.phrases import plain
from supportplane_runtime.rag.words.units import message_sentences

# More questions in one message than a reader would answer one by one. A guess, like the next two.
MOST_PARTS: Final = 4
LONG_CHARACTERS: Final = 700
# Lexemes that a side must have to be searched alone: `users and groups` is one thing, `contact forms and outgoing
# links` are two.
LEAST_OF_SIDE: Final = 2

_ASKS: Final = ("?", "\uff1f", "\u061f")


@dataclass(frozen=True, slots=True)
class Part:
    """text: as the customer wrote it. query: with what it leans on, to search by.

    is_question: answered or named as not answered; otherwise a side of a question, which only adds to its answer.
    """

    text: str
    query: str
    is_question: bool = True


def parts(message: str, known: SpokenLanguage, before: str = "") -> tuple[Part, ...]:
    """None for a message that asks one thing. before: earlier questions that the message leans on."""
    if len(message) > LONG_CHARACTERS:
        return ()
    words = language(known.code)
    sentences = message_sentences(message)
    asked = [each for each in sentences if each.endswith(_ASKS)] or sentences[-1:]
    told = [before, *(each for each in sentences if each not in asked)]
    questions = [part for sentence in asked for part in _split(sentence, words)]
    questions = _with_content(questions, known)
    if 1 < len(questions) <= MOST_PARTS:
        return tuple(_part(questions, n, told, known) for n in range(len(questions)))
    return _sides(asked[0], words, known) if len(questions) == 1 else ()


def _split(sentence: str, words: Language) -> list[str]:
    """Before each `and how`, `or is`."""
    if not words.joining_words or not words.asking_words:
        return [sentence]
    return [each.strip(" ,") for each in _joint(words).split(sentence) if each.strip(" ,")]


@cache
def _joint(words: Language) -> re.Pattern[str]:
    joining, asking = ("|".join(map(re.escape, sorted(each))) for each in (words.joining_words, words.asking_words))
    return re.compile(rf",?\s+(?:{joining})\s+(?:also\s+)?(?=(?:{asking})\b)", re.IGNORECASE)


def _with_content(questions: Sequence[str], known: SpokenLanguage) -> list[str]:
    """A question that names nothing (`and what can I do?`) belongs to the one before."""
    found: list[str] = []
    for question in questions:
        if found and not content(question, known):
            found[-1] = f"{found[-1]} {question}"
        else:
            found.append(question)
    return found


def _part(questions: Sequence[str], at: int, told: Sequence[str], known: SpokenLanguage) -> Part:
    """A part leans on the one before when it says so: `and is it secret?`. Its joining word alone does not."""
    question, words = questions[at], language(known.code)
    leans = at > 0 and known.leaning.search(_without_joint(plain(question), words)) is not None
    lines = [*told, *(questions[at - 1 : at] if leans else []), question]
    return Part(question, "\n".join(line for line in lines if line.strip()))


def _without_joint(question: str, words: Language) -> str:
    first, _, rest = question.partition(" ")
    return rest if first in words.joining_words else question


def _sides(question: str, words: Language, known: SpokenLanguage) -> tuple[Part, ...]:
    """Of `A and B`: what stands before the last joining word, and what stands behind it."""
    if not words.joining_words:
        return ()
    joints = list(
        re.finditer(rf"\s+(?:{_any(words.joining_words | words.comparing_words)})\s+", question, re.IGNORECASE)
    )
    compares = bool(re.search(rf"\b(?:{_any(words.comparing_words)})\b", question, re.IGNORECASE))
    for joint in reversed(joints):
        texts = question[: joint.start()], question[joint.end() :].rstrip("?\uff1f ")
        first, second = (content(text, known) for text in texts)
        least = 1 if compares else LEAST_OF_SIDE
        if len(first) >= least and len(second) >= least and second - first:
            return tuple(Part(text, text, is_question=False) for text in texts)
    return ()


def _any(words: frozenset[str]) -> str:
    return "|".join(map(re.escape, sorted(words))) or r"(?!)"
