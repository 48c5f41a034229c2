"""Tables and boxes of an answer as lines for a terminal, while the answer still comes; called by render.py. Pure.

Everything else is readable as the Markdown that it is. A table or a box is held until the blank line behind it.
"""

import re
from collections.abc import Sequence
from typing import Final

_BEGINS_SHAPE: Final = ("|", ":::", "!!!", "> [!")
_MARKERS: Final = re.compile(r"^(.*?)((?:\s*\[\d{1,3}\])*)\s*$")
_RULE: Final = re.compile(r"[\s|:-]*-[\s|:-]*")
_BOX: Final = re.compile(
    r"(?::{3,}\s*(?P<directive>\w+)\s*\[?(?P<named>.*?)\]?|!!!\s+(?P<bang>\w+)\s*\"?(?P<quoted>.*?)\"?"
    r"|>\s*\[!(?P<alert>\w+)\](?P<rest>.*))\s*$"
)
_BOX_END: Final = re.compile(r":{3,}((?:\s*\[\d{1,3}\])*)\s*$")


class Shaper:
    """Takes pieces of an answer and gives back what can be shown by now."""

    def __init__(self) -> None:
        self._held = ""
        self._at_line_start = True

    def take(self, piece: str) -> str:
        self._held += piece
        ready = ""
        while self._held:
            end = self._shape_end() if self._at_line_start and self._may_be_shape() else self._line_end()
            if end == 0:
                break
            ready += self._given(end)
        return ready

    def rest(self) -> str:
        """At the end of the answer."""
        return self._given(len(self._held)) if self._held else ""

    def _may_be_shape(self) -> bool:
        begin = self._held.lstrip(" ")
        return any(begin.startswith(mark) or mark.startswith(begin) for mark in _BEGINS_SHAPE)

    def _shape_end(self) -> int:
        found = self._held.find("\n\n")
        return found + 2 if found >= 0 else 0

    def _line_end(self) -> int:
        found = self._held.find("\n")
        return found + 1 if found >= 0 else len(self._held)

    def _given(self, end: int) -> str:
        given, self._held = self._held[:end], self._held[end:]
        began, self._at_line_start = self._at_line_start, given.endswith("\n")
        return shaped(given) if began else given


def shaped(text: str) -> str:
    """One block: a table aligned, a box with its label and its text indented, anything else as it is."""
    body = text.rstrip("\n")
    lines, tail = body.split("\n"), text[len(body) :]
    if lines[0].lstrip().startswith("|"):
        return "\n".join(_table(lines)) + tail
    box = _BOX.match(lines[0].strip())
    if box:
        return "\n".join(_box(box, lines[1:])) + tail
    return text


def _box(box: re.Match[str], lines: Sequence[str]) -> list[str]:
    kind = box["directive"] or box["bang"] or box["alert"]
    title = (box["named"] or box["quoted"] or box["rest"] or "").strip()
    inside = [re.sub(r"^> ?", "", line).strip() for line in lines]
    kept = [_BOX_END.sub(r"\1", line).strip() for line in inside]
    return [f"{kind.upper()}{f': {title}' if title else ''}", *(f"  {line}" for line in kept if line)]


def _table(lines: Sequence[str]) -> list[str]:
    from rich.cells import cell_len

    rows = [_cells(line) for line in lines if not _RULE.fullmatch(line)]
    columns = max((len(row) for row in rows), default=0)
    rows = [row + [""] * (columns - len(row)) for row in rows]
    widths = [max(cell_len(row[at]) for row in rows) for at in range(columns)]
    drawn = [
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    has_head = len(lines) > 1 and _RULE.fullmatch(lines[1]) is not None
    return [drawn[0], "  ".join("-" * width for width in widths), *drawn[1:]] if has_head and drawn else drawn


def _cells(line: str) -> list[str]:
    r"""Of `| a | b\|c | [1]` the marker goes behind the last cell."""
    found = _MARKERS.match(line.strip())
    row, markers = (found[1], found[2]) if found else (line, "")
    inner = re.sub(r"(?<!\\)\|$", "", row.removeprefix("|"))
    cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]
    cells[-1] = f"{cells[-1]}{markers}"
    return cells
