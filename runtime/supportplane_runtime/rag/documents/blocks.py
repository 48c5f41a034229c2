"""Markdown to blocks (headings, paragraphs, list items, table rows, code), for chunking.py and the readers; pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block import heading as heading_rule
from markdown_it.token import Token

from supportplane_runtime.rag.documents.text import MAX_TITLE_CHARACTERS, as_title

_PARSER = MarkdownIt("commonmark").enable("table")
# What stands inside of a line (links, emphasis) says nothing about blocks, and some of its rules are quadratic. It is
# looked at for headings only, and of these only the beginning.
_PARSER.core.ruler.enableOnly(["normalize", "block"])
_BEGINS_TABLE = frozenset("|:-")
_BEGINS_PROSE = frozenset("\"'(“„«¿¡…")
_INLINE_MARK = re.compile(r"[\\`*_\[\]<!&]")
_MAX_HEADING_CHARACTERS = 4 * MAX_TITLE_CHARACTERS
_LINE_END = re.compile(r"\r\n|\r|\n")
# Token types that are lines rather than prose, and how deep they count: a row stands below its table and its body.
_OF_LINES = {"fence": 0, "code_block": 0, "html_block": 0, "tr_open": 2}


def _plain_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A rule before all others: headings and paragraphs that can be nothing else. Nine of ten blocks of prose are.

    A paragraph costs 9 us with this rule, and 27 us with the eleven others and their logging alone.
    """
    if silent or not 0 <= state.sCount[start] - state.blkIndent < 4:
        return False
    following = start + 1
    if state.src[state.bMarks[start] + state.tShift[start]] == "#":
        return _first_character(state, following) not in _BEGINS_TABLE and heading_rule(state, start, end, silent)
    if not _is_prose(state, start):
        return False
    while following < state.lineMax and not state.isEmpty(following):
        if not 0 <= state.sCount[following] - state.blkIndent < 4 or not _is_prose(state, following):
            return False
        following += 1
    state.line = following
    state.push("paragraph_open", "p", 1).map = [start, following]
    state.push("inline", "", 0).map = [start, following]
    state.push("paragraph_close", "p", -1)
    return True


def _is_prose(state: StateBlock, line: int) -> bool:
    character = _first_character(state, line)
    return character.isalpha() or character in _BEGINS_PROSE


def _first_character(state: StateBlock, line: int) -> str:
    """Empty for a blank line and after the last."""
    if line >= state.lineMax or state.isEmpty(line):
        return ""
    return state.src[state.bMarks[line] + state.tShift[line]]


_PARSER.block.ruler.before("table", "plain_block", _plain_block)


class Kind(Enum):
    HEADING = "heading"
    PROSE = "prose"  # paragraphs, list items, quotes: cut between sentences when too long
    LINES = "lines"  # code, tables, raw HTML: cut between lines when too long


@dataclass(frozen=True, slots=True)
class Heading:
    """serial tells two sections of the same name apart."""

    level: int
    title: str
    serial: int


@dataclass(frozen=True, slots=True)
class Block:
    """text[start:end] of the document, and the headings it stands under (its own included, for a heading)."""

    start: int
    end: int
    kind: Kind
    path: tuple[Heading, ...]

    @property
    def size(self) -> int:
        return self.end - self.start


def first_heading(text: str) -> str:
    """Empty when there is none."""
    return next((block.path[-1].title for block in blocks(text) if block.kind is Kind.HEADING and block.path), "")


# A reader and the cutting look at the same document, one after the other.
@lru_cache(maxsize=1)
def parsed(text: str) -> tuple[Sequence[Token], dict[str, Any]]:
    """Every block of the document as a token, with its link references; inline tokens are not taken apart."""
    references: dict[str, Any] = {}
    return _PARSER.parse(text, references), references


def line_starts(text: str) -> list[int]:
    """And the end of the text, as if a line began there."""
    return [0, *(match.end() for match in _LINE_END.finditer(text)), len(text)]


def blocks(text: str) -> list[Block]:
    """The document's blocks in order; together they hold every line that is not blank."""
    starts = line_starts(text)
    found: list[Block] = []
    path: tuple[Heading, ...] = ()
    next_line = 0
    for serial, (first, last, kind, heading) in enumerate(_line_ranges(*parsed(text), len(starts) - 1)):
        # Link reference definitions leave no token: their lines go along as prose.
        found += trimmed(text, starts[next_line], starts[max(first, next_line)], Kind.PROSE, path)
        if heading is not None:
            path = (
                *(each for each in path if each.level < heading.level),
                Heading(heading.level, heading.title, serial),
            )
        found += trimmed(text, starts[max(first, next_line)], starts[max(last, next_line)], kind, path)
        next_line = max(last, next_line)
    return [*found, *trimmed(text, starts[next_line], len(text), Kind.PROSE, path)]


def trimmed(text: str, start: int, end: int, kind: Kind, path: tuple[Heading, ...]) -> list[Block]:
    """The range without blank lines around it, as a list of one, or of none when only white space is there."""
    passage = text[start:end]
    if not passage.strip():
        return []
    leading = passage[: len(passage) - len(passage.lstrip())]
    # Indentation of the first line belongs to code and nested lists.
    start += max(leading.rfind("\n"), leading.rfind("\r")) + 1
    return [Block(start, start + len(text[start:end].rstrip()), kind, path)]


def _line_ranges(
    tokens: Sequence[Token], references: dict[str, Any], lines: int
) -> Iterator[tuple[int, int, Kind, Heading | None]]:
    """(first line, line after the last, kind, heading) of every smallest part that should stay whole."""
    for position, token in enumerate(tokens):
        if token.map is None:
            continue
        first, last = token.map[0], min(token.map[1], lines)
        if token.type == "heading_open" and token.level == 0:
            inline = tokens[position + 1]
            # A line of 2 MB is no heading that a reader would want above every passage: its text is kept as prose.
            kind = Kind.HEADING if len(inline.content) <= MAX_TITLE_CHARACTERS else Kind.PROSE
            yield first, last, kind, Heading(int(token.tag[1:]), _plain(inline.content, references), 0)
        elif token.type == "list_item_open" and token.level == 1:
            yield first, last, Kind.PROSE, None
        elif token.type in _OF_LINES and token.level <= _OF_LINES[token.type]:
            yield first, last, Kind.LINES, None
        elif token.level == 0 and token.type in ("paragraph_open", "blockquote_open", "hr"):
            yield first, last, Kind.PROSE, None


def _plain(heading: str, references: dict[str, Any]) -> str:
    """A heading's words without markup."""
    if not _INLINE_MARK.search(heading):
        return as_title(heading)
    children: list[Token] = []
    _PARSER.inline.parse(heading[:_MAX_HEADING_CHARACTERS], _PARSER, references, children)
    return as_title("".join(child.content or " " for child in children))
