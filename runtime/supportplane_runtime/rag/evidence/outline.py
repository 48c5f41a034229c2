"""Passages that follow each other in a document as one page: its sections, and in these the blocks that a reader sees.

A block makes sense by itself: a paragraph, a list from its first item to its last, a table with its header, code, a
boxed note. A list goes on behind a picture, a note or code between two of its items, and into the next passage. Pure,
called by runs.py.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import pairwise
from typing import Final

from supportplane_runtime.rag.evidence.passage import Passage
from supportplane_runtime.rag.words.units import Kind, Unit, units

_HASHES: Final = re.compile(r"(#{1,6})\s+(.*?)\s*(?:\{#[\w.:-]+\}\s*|#*)$")
_NUMBER: Final = re.compile(r"(\d{1,3})[.)]\s")
# A number that begins a paragraph and is written so that it makes no list: `1\.`, `**2\.**`.
_ESCAPED_NUMBER: Final = re.compile(r"(?:\*\*)?(\d{1,3})\\[.)](?:\*\*)?(?:\s|$)")
# What a tab's label and a box's title are when the page is read: `**Linux:**`, `**Warning:** text`.
_TITLED: Final = re.compile(r"\*\*[^*\n]{1,80}[:\uff1a]\*\*")
_RULE: Final = re.compile(r"[=-]{3,}\s*$")
_OPENS_BOX: Final = re.compile(r":{3,}\s*\w|!!!|\?\?\?|(?:>\s*)+\[!")
_ASIDE: Final = re.compile(r"(?::{3,}|!!!|\?\?\?\+?|(?:>\s*)+\[!)\s*(?:tip|hint)\b", re.IGNORECASE)
_CLOSES_BOX: Final = re.compile(r":{3,}\s*$")
_DELIMITER: Final = re.compile(r"[\s|:-]*-[\s|:-]*")
LEADS_IN: Final = (":", "\uff1a")
# Of a heading that is no `#` line: deeper than all that are.
_DEEPEST: Final = 7


class Shape(Enum):
    PARAGRAPH = "paragraph"
    LIST = "list"
    STEPS = "steps"  # a numbered list
    TABLE = "table"
    CODE = "code"
    NOTE = "note"
    MARK = "mark"  # says nothing


@dataclass(frozen=True, slots=True)
class Place:
    """A unit and where it stands: passage is its index in the evidence, depth its indentation in characters.

    indent: of its line, where the unit begins the line. labels: a line without a sentence's end right above code.
    is_alternative: of the second tab, or a later one, of the same step.
    """

    passage: int
    unit: Unit
    depth: int
    after_blank: bool
    indent: int = 0
    labels: bool = False
    is_alternative: bool = False

    @property
    def number(self) -> int | None:
        """Of a step."""
        if self.unit.kind is Kind.ITEM:
            found = _NUMBER.match(self.unit.text)
        else:
            found = _ESCAPED_NUMBER.match(self.unit.text) if self.after_blank else None
        return int(found[1]) if found else None


@dataclass(slots=True)
class Block:
    """places[first:end] of the page."""

    shape: Shape
    first: int
    end: int


@dataclass(slots=True)
class Section:
    """The blocks between two headings. path: of headings, the nearest last; heading: its place, if it was found."""

    path: tuple[str, ...]
    heading: int | None = None
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Page:
    places: Sequence[Place]
    sections: Sequence[Section]

    def text(self, block: Block) -> str:
        return "\n".join(place.unit.text for place in self.places[block.first : block.end])

    def is_boxed(self, block: Block) -> bool:
        return block.shape is Shape.NOTE or _TITLED.match(self.places[block.first].unit.text) is not None

    def length(self, first: int, end: int) -> int:
        """Of what would be read: places[first:end], in characters. Of several tabs a reader reads one."""
        return sum(len(place.unit.text) + 1 for place in self.places[first:end] if not place.is_alternative)


def page(passages: Sequence[Passage], order: Sequence[int]) -> Page:
    """order: indexes of passages that follow each other in one document."""
    places: list[Place] = []
    sections: list[Section] = []
    of_passages = _labelled([list(_places(number, passages[number])) for number in order])
    for number, of_passage in zip(order, of_passages, strict=True):
        passage = passages[number]
        inner: list[tuple[int, str]] = []
        if not _goes_on(sections, passage):
            _open(sections, passage.heading_path)
        for place in of_passage:
            places.append(place)
            at = len(places) - 1
            if place.unit.kind is Kind.HEADING and _RULE.match(place.unit.text):
                _open(sections, sections[-1].path, at)
            elif place.unit.kind is Kind.HEADING and not place.labels:
                level, title = _heading(place.unit.text)
                inner = [*(each for each in inner if each[0] < level), (level, title)]
                _open(sections, (*passage.heading_path, *(each[1] for each in inner)), at)
            else:
                _add(sections[-1].blocks, places, at)
    return Page(places, [section for section in sections if section.blocks])


def _goes_on(sections: Sequence[Section], passage: Passage) -> bool:
    """A passage that begins in the middle of a section and holds the next one too stands under what both share."""
    path = passage.heading_path
    return bool(sections) and sections[-1].path[: len(path)] == path


def _open(sections: list[Section], path: tuple[str, ...], heading: int | None = None) -> None:
    sections.append(Section(path, heading))


def _heading(text: str) -> tuple[int, str]:
    found = _HASHES.match(text)
    return (len(found[1]), found[2]) if found else (_DEEPEST, text)


def _places(number: int, passage: Passage) -> Iterator[Place]:
    before = 0
    for unit in units(passage.text, passage.language):
        line_start = passage.text.rfind("\n", 0, unit.start) + 1
        after_blank = passage.text.count("\n", before, unit.start) > 1 or before == 0
        begins_line = not passage.text[line_start : unit.start].strip()
        yield Place(
            number,
            unit,
            unit.start - line_start if unit.kind is not Kind.PROSE else 0,
            after_blank,
            indent=unit.start - line_start if begins_line else 0,
        )
        before = unit.end


def _labelled(of_passages: Sequence[list[Place]]) -> Sequence[list[Place]]:
    """A title that is no `#` line, or in bold, names the code below it and no section: the tabs of one step."""
    flat = [(places, at) for places in of_passages for at in range(len(places))]
    last_tab = -3
    for n, ((places, at), (others, after)) in enumerate(pairwise(flat)):
        unit = places[at].unit
        is_line = unit.kind is Kind.HEADING and not _HASHES.match(unit.text) and not _RULE.match(unit.text)
        is_label = is_line or (unit.kind is Kind.PROSE and _TITLED.fullmatch(unit.text) is not None)
        if is_label and others[after].unit.kind is Kind.CODE:
            is_next = last_tab == n - 2
            places[at] = replace(places[at], labels=True, is_alternative=is_next)
            others[after] = replace(others[after], is_alternative=is_next)
            last_tab = n
    return of_passages


def _add(blocks: list[Block], places: Sequence[Place], at: int) -> None:
    place, unit = places[at], places[at].unit
    last = blocks[-1] if blocks else None
    if last is not None and last.shape is Shape.NOTE and _is_inside(last, places, at):
        last.end = at + 1
        return
    match unit.kind:
        case Kind.ITEM:
            _add_item(blocks, places, at)
        case Kind.ROW:
            _go_on(blocks, Shape.TABLE, at, goes_on=last is not None and last.shape is Shape.TABLE)
        case Kind.CODE:
            _add_code(blocks, places, at)
        case _ if place.labels:
            _add_code(blocks, places, at)
        case Kind.MARK:
            _go_on(blocks, Shape.NOTE if opens_box(unit.text) else Shape.MARK, at, goes_on=False)
        case _ if place.number is not None:
            _add_item(blocks, places, at)
        case _:
            goes_on = last is not None and last.shape in (Shape.PARAGRAPH, Shape.STEPS) and not place.after_blank
            _go_on(blocks, last.shape if goes_on and last else Shape.PARAGRAPH, at, goes_on=goes_on)


def _add_code(blocks: list[Block], places: Sequence[Place], at: int) -> None:
    """Code, or the label above it. What an item announces, or what is indented below it, is of the list; code with a
    label goes on with the next label.
    """
    place, last = places[at], blocks[-1] if blocks else None
    shape = last.shape if last is not None else None
    before = places[at - 1] if last is not None else None
    next_tab = place.labels and place.is_alternative
    announced = before is not None and (before.labels or next_tab or leads_in(before.unit))
    inside = shape in (Shape.LIST, Shape.STEPS) and (place.depth > 0 or announced)
    of_tabs = shape is Shape.CODE and before is not None and (before.labels or next_tab)
    _go_on(blocks, shape if inside and shape else Shape.CODE, at, goes_on=inside or of_tabs)


def _go_on(blocks: list[Block], shape: Shape, at: int, *, goes_on: bool) -> None:
    if goes_on:
        blocks[-1].end = at + 1
    else:
        blocks.append(Block(shape, at, at + 1))


def _is_inside(note: Block, places: Sequence[Place], at: int) -> bool:
    """Whether the box that the note's first line opens is still open: to its mark, its quote, or its indentation."""
    opener, unit = places[note.first].unit.text, places[at].unit
    if opener.startswith(":"):
        return note.end == note.first + 1 or not closes_box(places[note.end - 1].unit.text)
    if opener.startswith(">"):
        return unit.text.startswith(">") or (unit.kind is Kind.PROSE and not places[at].after_blank)
    return note.end == note.first + 1 or not places[at].after_blank or places[at].indent > places[note.first].indent


def _add_item(blocks: list[Block], places: Sequence[Place], at: int) -> None:
    number = places[at].number
    begun = _begun_list(blocks, places, at)
    if begun is None:
        blocks.append(Block(Shape.LIST if number is None else Shape.STEPS, at, at + 1))
        return
    blocks[begun].end = at + 1
    del blocks[begun + 1 :]


def _begun_list(blocks: Sequence[Block], places: Sequence[Place], at: int) -> int | None:
    """The list that the item goes on with. What stands between them is no paragraph, or the numbers go on behind it."""
    number, nested = places[at].number, places[at].depth > 1

    def goes_on(block: Block, number: int) -> bool:
        """No list begins with another number than 1, but authors who count in the wrong way go on with one."""
        return number > 1 or number > _last_number(block, places)

    for back in range(len(blocks) - 1, -1, -1):
        block = blocks[back]
        if block.shape is Shape.LIST:
            return back if number is None or nested else None
        if block.shape is Shape.STEPS:
            return back if number is None or nested or goes_on(block, number) else None
        if block.shape is Shape.TABLE or (block.shape is Shape.PARAGRAPH and not number):
            return None
    return None


def _last_number(block: Block, places: Sequence[Place]) -> int:
    """Of the outermost steps; authors who number every step 1 mean the step after the one before."""
    numbers = [
        place.number for place in places[block.first : block.end] if place.number is not None and place.depth <= 1
    ]
    return 0 if not numbers or set(numbers) == {1} else numbers[-1]


def without_asides(places: Sequence[Place], span: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The parts of the span before, between and after boxes of a tip. A note or a warning stays: it says what fails."""
    first, end = span
    at = first
    while at < end:
        if _ASIDE.match(places[at].unit.text) and places[at].unit.kind is Kind.MARK:
            if first < at:
                yield first, at
            note = Block(Shape.NOTE, at, at + 1)
            while note.end < end and _is_inside(note, places, note.end):
                note.end += 1
            first = at = note.end
        else:
            at += 1
    if first < end:
        yield first, end


def opens_box(mark: str) -> bool:
    return _OPENS_BOX.match(mark) is not None


def closes_box(mark: str) -> bool:
    return _CLOSES_BOX.match(mark) is not None


def header(block: Block, places: Sequence[Place]) -> int:
    """How many of a table's first rows name its columns: with the line below the first, none without that.

    A row that repeats the first column's name is the second line of a name that spans several columns.
    """
    rows = [place.unit.text for place in places[block.first : block.end]]
    if len(rows) < 3 or not _DELIMITER.fullmatch(rows[1]):
        return 0
    name = _first_cell(rows[0])
    return 2 + next((n for n, row in enumerate(rows[2:-1]) if not name or _first_cell(row) != name), 0)


def _first_cell(row: str) -> str:
    return row.strip().strip("|").partition("|")[0].strip()


def is_delimiter(unit: Unit) -> bool:
    return unit.kind is Kind.ROW and _DELIMITER.fullmatch(unit.text) is not None


def leads_in(unit: Unit) -> bool:
    return unit.text.rstrip("*_ ").endswith(LEADS_IN)
