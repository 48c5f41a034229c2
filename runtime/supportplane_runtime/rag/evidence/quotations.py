"""Spans of a page to quotations that say something, word for word; pure, called by runs.py.

Marks, pictures, a heading or a lead-in at the edge of a run are left out, and a run in which no unit says anything is
no quotation. A run that goes on in another passage is a quotation of each.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from supportplane_runtime.rag.evidence.claims import says_something
from supportplane_runtime.rag.evidence.outline import Page, Place, closes_box, is_delimiter, leads_in, opens_box
from supportplane_runtime.rag.evidence.passage import Passage
from supportplane_runtime.rag.words.units import Kind

_INTRODUCED: Final = frozenset({Kind.ITEM, Kind.CODE, Kind.ROW})


class Span(NamedTuple):
    """page.places[first:end]. is_head: the names of the columns of the rows that follow."""

    first: int
    end: int
    is_head: bool = False


@dataclass(frozen=True, slots=True)
class Quotation:
    """Consecutive words of a passage; passage is its index in the evidence.

    head: the lines that name the columns of the rows that are quoted, where they do not stand right above them.
    heading: above the words in the passage, when it names what they are about and they do not; empty else.
    """

    passage: int
    text: str
    head: tuple[int, str] | None = None
    heading: str = ""


def quotations(page: Page, spans: Sequence[Span], passages: Sequence[Passage], question: str) -> list[Quotation]:
    found: list[Quotation] = []
    head: list[Place] = []
    for span in spans:
        run = list(page.places[span.first : span.end])
        if span.is_head:
            head = run
            continue
        for piece in _pieces(run):
            kept = _trimmed(piece, passages, question)
            if kept:
                found.append(_quotation(kept, head, passages))
    return found


def _pieces(run: Sequence[Place]) -> Iterator[list[Place]]:
    """Of one passage each, without marks; those of a box that is there whole stay."""
    piece: list[Place] = []
    open_until = 0
    for n, place in enumerate(run):
        other_passage = piece and place.passage != piece[-1].passage
        if place.unit.kind is Kind.MARK and n >= open_until:
            open_until = _end_of_box(run, n)
        is_stray = place.unit.kind is Kind.MARK and n >= open_until
        if piece and (other_passage or is_stray):
            yield piece
            piece = []
        if not is_stray:
            piece.append(place)
    if piece:
        yield piece


def _end_of_box(run: Sequence[Place], start: int) -> int:
    """Behind the last of the box that a mark opens, ``start`` when it opens none or none that ends in the passage."""
    opener = run[start].unit.text
    if not opens_box(opener):
        return start
    if not opener.startswith(":"):
        return start + 1
    for n in range(start + 1, len(run)):
        if run[n].passage != run[start].passage:
            return start
        if closes_box(run[n].unit.text):
            return n + 1
    return start


def _trimmed(piece: Sequence[Place], passages: Sequence[Passage], question: str) -> list[Place]:
    """Without what says nothing at both ends; empty when nothing of it says something."""
    heads = {n for n in range(len(piece)) if any(is_delimiter(each.unit) for each in piece[n : n + 2])}
    says = [
        n not in heads and _says_something(place, passages[place.passage], question) for n, place in enumerate(piece)
    ]
    if not any(says):
        return []
    first, end = 0, len(piece)
    naming = {n for n in heads if _has_body(piece, n, heads)}
    while not says[first] and not (first in naming or _begins_run(piece, first)):
        first += 1
    while not says[end - 1] and not _ends_run(piece[end - 1], is_head=end - 1 in heads):
        end -= 1
    return list(piece[first:end])


def _has_body(piece: Sequence[Place], head: int, heads: Collection[int]) -> bool:
    """Whether rows stand below the names of columns."""
    below = next((n for n in range(head, len(piece)) if n not in heads), len(piece))
    return below < len(piece) and piece[below].unit.kind is Kind.ROW


def _begins_run(piece: Sequence[Place], at: int) -> bool:
    """The mark of a box, or what names or introduces that which follows."""
    unit, following = piece[at].unit, piece[at + 1].unit if at + 1 < len(piece) else None
    if unit.kind in (Kind.MARK, Kind.ITEM, Kind.CODE) or piece[at].labels:
        return True
    return leads_in(unit) and following is not None and following.kind in _INTRODUCED


def _ends_run(place: Place, *, is_head: bool) -> bool:
    """The last of a box, a list or a table belongs to it even if it says little by itself, and a label to its code."""
    if place.labels:
        return True
    if place.unit.kind is Kind.ITEM:
        return not leads_in(place.unit)
    return place.unit.kind in (Kind.MARK, Kind.CODE) or (place.unit.kind is Kind.ROW and not is_head)


def _says_something(place: Place, passage: Passage, question: str) -> bool:
    return place.unit.kind not in (Kind.MARK, Kind.HEADING) and says_something(place.unit.text, passage, question)


def _quotation(piece: Sequence[Place], head: Sequence[Place], passages: Sequence[Passage]) -> Quotation:
    passage = piece[0].passage
    text = passages[passage].text[piece[0].unit.start : piece[-1].unit.end]
    if not head or piece[0].unit.kind is not Kind.ROW:
        return Quotation(passage, text)
    above = head[0].passage
    return Quotation(passage, text, (above, passages[above].text[head[0].unit.start : head[-1].unit.end]))
