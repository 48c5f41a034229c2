"""Cuts a document into passages along its own structure; pure, called by ingest.py.

Document -> blocks (headings, paragraphs, list items, table rows, code) -> sections, whole where they fit -> Chunks.
A section is what stands below one heading: it is a chunk of its own, found by that heading, however short it is. Text
is verbatim, never starts or ends inside a code block, list item or table row that fits the limit, and long prose is cut
between sentences. Every character that is not white space is either in one chunk's text or in the heading lines its
heading_path stands for. Ids depend on content, not on place: an edit changes the chunks it touches.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from urllib.parse import quote

from supportplane_runtime.domain.knowledge import Chunk, Document
from supportplane_runtime.rag.documents.blocks import Block, Heading, Kind, blocks, trimmed
from supportplane_runtime.rag.documents.links import anchors, without_id
from supportplane_runtime.rag.words.searchable import digest

LIMIT_CHARACTERS = 1200

_LINE_END = re.compile(r"\r\n|\r|\n")
_SENTENCE_END = re.compile(
    r"(?:[.!?…\u061f\u06d4\u0964]['\")\]»\u201d\u2019]*\s+|[\u3002\uff01\uff1f][\u300d\u300f\uff09\u201d\u2019]*\s*|\n\s*\n)"
)
_SPACE = re.compile(r"\s+")


def chunk_document(document: Document, *, limit: int = LIMIT_CHARACTERS, anchored: bool = False) -> list[Chunk]:
    """Passages in reading order, each at most ``limit`` characters. An empty document has none.

    anchored: the url of a passage ends with the anchor of its heading.
    """
    text = document.text
    whole = blocks(text)
    pieces = [piece for block in whole for piece in _fitting(text, block, limit)]
    anchor_of = anchors(block.path[-1] for block in whole if block.kind is Kind.HEADING) if anchored else {}
    chunks: list[Chunk] = []
    seen: Counter[str] = Counter()
    for group in _sections(pieces, limit):
        headings, passage = _passage(text, group)
        path = tuple(without_id(heading.title) for heading in headings)
        identity = "\x1f".join((document.document_id, *path, "\x1e", passage))
        chunks.append(
            Chunk(
                chunk_id=digest(identity, str(seen[identity])),
                document_id=document.document_id,
                title=document.title,
                heading_path=path,
                text=passage,
                url=_passage_url(document.url, headings, anchor_of),
                position=len(chunks),
                language=document.language,
                context=document.context,
            )
        )
        seen[identity] += 1
    return chunks


def _passage_url(url: str, headings: Sequence[Heading], anchor_of: Mapping[int, str]) -> str:
    """The page's own heading, of the first level, is its top."""
    anchor = anchor_of.get(headings[-1].serial) if headings and headings[-1].level > 1 else None
    return f"{url}#{quote(anchor)}" if anchor else url


def _fitting(text: str, block: Block, limit: int) -> Iterator[Block]:
    """The block itself, or parts of about the same size when it is longer than the limit."""
    start = block.start
    while block.end - start > limit:
        shares = -(-(block.end - start) // limit)
        # A fifth more than an even share leaves room to reach the end of a sentence.
        latest = start + min(limit, (block.end - start) * 6 // (shares * 5))
        cut = _cut(text, start, latest, block.kind)
        yield from trimmed(text, start, cut, block.kind, block.path)
        start = cut
    yield from trimmed(text, start, block.end, block.kind, block.path)


def _cut(text: str, start: int, latest: int, kind: Kind) -> int:
    """The last good place to cut in the second half of the range: sentence or line, else white space, else anywhere."""
    earliest = start + max(1, (latest - start) // 2)
    for pattern in (_LINE_END if kind is Kind.LINES else _SENTENCE_END, _LINE_END, _SPACE):
        ends = [match.end() for match in pattern.finditer(text, start, latest) if earliest <= match.end() < latest]
        if ends:
            return ends[-1]
    return latest


def _sections(pieces: Sequence[Block], limit: int) -> list[list[Block]]:
    """Pieces grouped into chunks: what stands below a heading, whole where it fits, else even shares of it.

    However short: beside a neighbour a section is found by neither heading. A heading with nothing below it goes with
    what follows, the last one with what is before it.
    """
    parts: list[list[Block]] = []
    for piece in pieces:
        if not parts or (piece.kind is Kind.HEADING and not _is_open(parts[-1])):
            parts.append([])
        parts[-1].append(piece)
    if len(parts) > 1 and _is_open(parts[-1]) and _span([parts[-2][0], parts[-1][-1]]) <= limit:
        parts[-2:] = [[*parts[-2], *parts[-1]]]
    return [group for part in parts for group in _even_shares(part, limit)]


def _is_open(section: Sequence[Block]) -> bool:
    """Whether there are only headings yet: the first text closes the list of them."""
    return section[-1].kind is Kind.HEADING


def _span(pieces: Sequence[Block]) -> int:
    return pieces[-1].end - pieces[0].start


def _even_shares(pieces: Sequence[Block], limit: int) -> list[list[Block]]:
    """Without a leftover of one line at the end: 1,300 characters under a limit of 1,200 become twice 650."""
    target = _span(pieces) / -(-_span(pieces) // limit)
    groups: list[list[Block]] = [[]]
    for piece in pieces:
        group = groups[-1]
        # A heading goes with what follows it.
        full = bool(group) and _span(group) >= target and group[-1].kind is not Kind.HEADING
        if group and (full or _span([group[0], piece]) > limit):
            groups.append([])
        groups[-1].append(piece)
    return groups


def _passage(text: str, group: Sequence[Block]) -> tuple[tuple[Heading, ...], str]:
    """The headings all of the group stands under, and its text without the lines of those headings."""
    shared = _common_paths(group)
    first = 0
    while first + 1 < len(group) and _heads(group[first], shared[first + 1]):
        first += 1
    return shared[first], "".join(_without_ids(text, group[first:]))


def _without_ids(text: str, group: Sequence[Block]) -> Iterator[str]:
    """The passage's text; headings in it are shown without the ids of their anchors."""
    position = group[0].start
    for block in group:
        written = text[block.start : block.end]
        yield text[position : block.start]
        yield without_id(written) if block.kind is Kind.HEADING else written
        position = block.end


def _heads(block: Block, path: Sequence[Heading]) -> bool:
    """Whether the block is a heading that the path leads through."""
    return block.kind is Kind.HEADING and tuple(path[: len(block.path)]) == block.path


def _common_paths(group: Sequence[Block]) -> list[tuple[Heading, ...]]:
    """For each block the headings that it and all after it stand under."""
    shared = [group[-1].path]
    for block in reversed(group[:-1]):
        pairs = zip(block.path, shared[-1], strict=False)
        shared.append(tuple(heading for heading, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)))
    return shared[::-1]
