"""A text to its units: sentences, list items, table rows, code blocks, headings and marks that say nothing; pure.

A customer's message is taken apart by other rules than a document.

What is quoted, proven and counted is a whole unit. Sentences end by the abbreviations of the text's language.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from typing import Final

from supportplane_runtime.languages import Language

_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
# A line of its own without a sentence's end, as titles are in plain text.
_TITLE = re.compile(r"[^\n.!?:;,\u3002\uff01\uff1f\u061f\u06d4\u0964]{1,60}(?:\n(?=[\"'(\[*_`]{0,2}[A-Z])|\s*\Z)")
_FENCE = re.compile(r"^\s*(```|~~~)")
_HEADING = re.compile(r"^\s{0,3}(?:#{1,6}\s|[=-]{3,}\s*$)")
_TABLE_ROW = re.compile(r"^\s*\|")
# Lines that hold no words of the author: edges of boxes, tags, imports, pictures, rules, directives, template tags.
_MARK = re.compile(
    r"^\s*(?:>\s*)*(?::{3,}.*|(?:!!!|\?\?\?\+?)\s+\w.*|\[![A-Za-z]+\].*|(?:import|export)\s.*\bfrom\s+['\"].*"
    r"|(?:</?[A-Za-z][^<>]*>\s*)+|(?:!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])\s*)+|\[!\[.*\]\([^)]*\)\]\([^)]*\)"
    r"|(?:\*\s*){3,}|(?:_\s*){3,}|\.\.\s+[\w-]+::.*|\{[%{#<].*[%}#>]\}|\[TOC\]|\[\[_?TOC_?\]\])\s*$",
    re.IGNORECASE,
)
# A tag whose attributes stand on lines of their own.
_OPEN_TAG = re.compile(r"^\s*<[A-Za-z][\w.-]*(?:\s[^<>]*)?$")
# A short word before a number is an abbreviation, whether the language's list has it or not: `ca. 10 days`.
_BEFORE_NUMBER = re.compile(r"(?:^|\s)\(?[^\W\d_]{1,4}\.$")
# What closes a quotation belongs to its sentence; `「…。」と` goes on, because a particle follows.
_SENTENCE = re.compile(
    r"(?<=[.!?…。！？؟۔।])(?:[\"'”’)\]*_`]*\s+(?=[^a-z\s])"  # noqa: RUF001 - marks of many scripts
    r"|(?<=[。！？])(?:[」』）】》〉\"'”’)\]]+(?![ぁ-ん])|(?![」』）】》〉\"'”’)\]。！？]))\s*)"  # noqa: RUF001
)


class Kind(Enum):
    PROSE = "prose"
    ITEM = "item"
    CODE = "code"
    ROW = "row"
    HEADING = "heading"
    MARK = "mark"  # markup that says nothing by itself


_KINDS: Final = (
    (Kind.CODE, _FENCE),
    (Kind.HEADING, _HEADING),
    (Kind.MARK, _MARK),
    (Kind.ITEM, _ITEM),
    (Kind.ROW, _TABLE_ROW),
)


@dataclass(frozen=True, slots=True)
class Unit:
    """text[start:end] of the passage is the unit, verbatim."""

    start: int
    end: int
    kind: Kind
    text: str


# Customers begin sentences with small letters, and write few abbreviations: nothing but the mark ends one.
_END_IN_MESSAGE = re.compile(r"(?<=[.!?۔।])\s+|(?<=[。！？؟])\s*|\n+")  # noqa: RUF001 - marks of many scripts


def message_sentences(message: str) -> list[str]:
    """The sentences of what a customer writes, without the white space around them."""
    return [each.strip() for each in _END_IN_MESSAGE.split(message) if each.strip()]


@lru_cache(maxsize=512)
def units(text: str, language: Language) -> tuple[Unit, ...]:
    """Every unit in order; together they hold all of the text that is not white space."""
    return tuple(unit for block in _blocks(text) for unit in _of_block(text, *block, _abbreviation(language)))


def _blocks(text: str) -> Iterator[tuple[int, int, Kind]]:
    """Runs of lines that belong together; an item takes its indented lines along, a fence or a tag all to its end."""
    start, position, kind = 0, 0, Kind.PROSE
    until: re.Pattern[str] | None = None
    for line in text.splitlines(keepends=True):
        if until is not None:
            until = None if until.search(line) else until
        elif not _goes_on(kind, line, is_first=start == position):
            yield start, position, kind
            start, kind = position, _kind(line)
            until = _end_of_block(line)
            kind = Kind.MARK if until is _END_OF_TAG else kind
        position += len(line)
    yield start, position, kind


_END_OF_TAG: Final = re.compile(r">\s*$|^\s*$")
_END_OF_FENCE: Final = {mark: re.compile(rf"^\s*{mark}") for mark in ("```", "~~~")}


def _end_of_block(line: str) -> re.Pattern[str] | None:
    """Fits the last line of what this line opens."""
    fence = _FENCE.match(line)
    if fence:
        return _END_OF_FENCE[fence[1]]
    return _END_OF_TAG if _OPEN_TAG.match(line.rstrip()) else None


def _goes_on(kind: Kind, line: str, *, is_first: bool) -> bool:
    if not line.strip():
        return is_first
    if _OPEN_TAG.match(line.rstrip()):
        return False
    if kind is Kind.ITEM and line.startswith((" ", "\t")) and _kind(line) is Kind.PROSE:
        return True
    return kind is Kind.PROSE and _kind(line) is Kind.PROSE


def _kind(line: str) -> Kind:
    for kind, pattern in _KINDS:
        if pattern.match(line):
            return kind
    return Kind.PROSE


def _of_block(text: str, start: int, end: int, kind: Kind, abbreviation: re.Pattern[str]) -> Iterator[Unit]:
    if kind is not Kind.PROSE:
        yield from _unit(text, start, end, kind)
        return
    title = _TITLE.match(text, start + len(text[start:end]) - len(text[start:end].lstrip()), end)
    if title:
        yield from _unit(text, start, title.end(), Kind.HEADING)
        start = title.end()
    for match in _SENTENCE.finditer(text, start, end):
        if not _is_abbreviated(text, match, abbreviation):
            yield from _unit(text, start, match.end(), kind)
            start = match.end()
    yield from _unit(text, start, end, kind)


def _is_abbreviated(text: str, end: re.Match[str], abbreviation: re.Pattern[str]) -> bool:
    before = text[max(0, end.start() - 8) : end.start()]
    return bool(abbreviation.search(before) or (text[end.end() : end.end() + 1].isdigit() and _is_short(before)))


def _is_short(before: str) -> bool:
    found = _BEFORE_NUMBER.search(before)
    return found is not None and found[0].strip(" (.").islower()


def _unit(text: str, start: int, end: int, kind: Kind) -> list[Unit]:
    passage = text[start:end]
    stripped = passage.strip()
    begin = start + len(passage) - len(passage.lstrip())
    return [Unit(begin, begin + len(stripped), kind, stripped)] if stripped else []


@cache
def _abbreviation(language: Language) -> re.Pattern[str]:
    """Fits a text whose last full stop ends no sentence: e.g., Dr., 1. and single letters."""
    known = sorted(language.abbreviations)
    words = (re.escape(word) if word.islower() else f"(?-i:{re.escape(word)})" for word in known)
    return re.compile(rf"(?:\b(?:{'|'.join(words)}|[A-Za-z])|^\W*\d{{1,3}})\.$", re.IGNORECASE)
