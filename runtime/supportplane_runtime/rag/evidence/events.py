"""A text to what it says comes first and what comes then, by the words of order of its language; pure.

`Scan the code before you pay` and `once the code is scanned, pay` are one event before another. Called by rules.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from supportplane_runtime.languages import Language, Meaning
from supportplane_runtime.rag.evidence.marks import WORD, Mark, flattened, is_denial, phrases
from supportplane_runtime.rag.evidence.measures import quantities

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of order with the text around it, up to the words of order before and behind it."""

    kind: Mark
    left: str
    right: str

    def begins_clause(self, language: Language) -> bool:
        """At most one word before it, but for how long: `two hours after the start, ...`."""
        clause = self.left.rpartition(",")[2]
        measured = sum(len(WORD.findall(clause[each.start : each.end])) for each in quantities(clause, language))
        return len(WORD.findall(clause)) - measured <= 1


def events(text: str, language: Language) -> Iterator[Pair]:
    """What comes first and what then, for each word of order in the text."""
    meaning = language.meaning
    if meaning is None:
        return
    flat = flattened(text)
    for word in _words_of_order(flat, language):
        first, second = _in_order(word, language)
        if WORD.search(first) and WORD.search(second):
            yield first, second
    yield from _ways(flat, meaning)


def _in_order(word: _Word, language: Language) -> Pair:
    left, right = word.left, word.right
    if word.kind is Mark.THEN:
        return _before_and_then(left, right, language)
    if word.begins_clause(language) and "," in right:
        subordinate, _, main = right.partition(",")
        return (main, subordinate) if word.kind is Mark.BEFORE else (subordinate, main)
    if word.kind is Mark.AFTER and word.begins_clause(language) and WORD.search(left.rpartition(",")[2]):
        return left, right  # `we check it, and after the check we pay`: the next event, as with `then`
    if word.kind is Mark.AFTER:
        return (left, right) if _denies(" ".join(left.split()[-1:]), language) else (right, left)
    return (right, left) if _denies(left, language) else (left, right)


# The verb and its subject, which stand before `then` in German: `und starten Sie dann das Programm`.
_LONGEST_TAIL = 2


def _before_and_then(left: str, right: str, language: Language) -> Pair:
    """The clause before the word for then, and what follows; `save the file and close it afterwards` is two events."""
    clause = left.rpartition(",")[2]
    earlier = clause if WORD.search(right) and len(clause.split()) > 1 else left
    joins = list(phrases(tuple(language.joining_words)).finditer(earlier)) if language.joining_words else []
    tail = earlier[joins[-1].end() :] if joins else ""
    if not WORD.search(tail) or (WORD.search(right) and len(tail.split()) > _LONGEST_TAIL):
        return (earlier, right) if WORD.search(right) else ("", "")
    return earlier[: joins[-1].start()], tail + right


def _denies(text: str, language: Language) -> bool:
    """`Not before` is after. `Only after` is no denial."""
    only = language.meaning.only if language.meaning else ()
    return any(word not in only and is_denial(word, language) for word in WORD.findall(text.rpartition(",")[2]))


def _words_of_order(flat: str, language: Language) -> Iterator[_Word]:
    """Each of the longest: `after that` is no `after`."""
    meaning = language.meaning
    if meaning is None:
        return
    kinds = _kinds(meaning.then, meaning.before, meaning.after, meaning.first)
    found = [match for match in phrases(tuple(kinds)).finditer(flat) if _orders(flat, match, kinds[match[0]])]
    start = 0
    for match, following in zip(found, [*found[1:], None], strict=False):
        right = flat[match.end() : following.start() if following else len(flat)]
        word = _Word(kinds[match[0]], _last_part(flat[start : match.start()]), _PARTS.split(right)[0])
        yield word
        if word.kind is not Mark.FIRST or (WORD.search(right) and not word.begins_clause(language)):
            is_before_main = word.begins_clause(language) and word.kind is not Mark.THEN
            start = match.end() + (right.find(",") + 1 if is_before_main else 0)


_PARTS = re.compile(r"[.;:](?:\s|$)")


def _last_part(text: str) -> str:
    """What is said since the last full stop; all of it when the word of order follows one."""
    last = _PARTS.split(text)[-1]
    return last if WORD.search(last) else text


def _orders(flat: str, match: re.Match[str], kind: Mark) -> bool:
    """`The first day` orders nothing; `first` does at the beginning or the end of a clause."""
    if kind is not Mark.FIRST or " " in match[0]:
        return True
    before, after = flat[: match.start()].rstrip(), flat[match.end() : match.end() + 1]
    return not before or before[-1] in _ENDS or after in _ENDS or after == ""


_ENDS = frozenset(",.;:")


@cache
def _kinds(
    then: tuple[str, ...], before: tuple[str, ...], after: tuple[str, ...], first: tuple[str, ...]
) -> dict[str, Mark]:
    lists = ((first, Mark.FIRST), (after, Mark.AFTER), (before, Mark.BEFORE), (then, Mark.THEN))
    return {flattened(phrase): mark for phrases_of, mark in lists for phrase in phrases_of}


def _ways(flat: str, meaning: Meaning) -> Iterator[Pair]:
    """From where to where, at most four words apart: `to connect, copy the code from the app` is no way."""
    sources, targets = phrases(meaning.sources), phrases(meaning.targets)
    for here, there in ((sources, targets), (targets, sources)):
        for match in here.finditer(flat):
            other = there.search(flat, match.end())
            between = flat[match.end() : other.start()] if other is not None else ""
            if other is not None and len(between.split()) <= _LONGEST_WAY and not set(between) & _ENDS:
                way = _first_words(between), _first_words(flat[other.end() :])
                yield way if here is sources else way[::-1]


_LONGEST_WAY = 4


def _first_words(text: str) -> str:
    return " ".join(text.split()[:3])
