"""Boxes, tabs and definitions as site generators write them, to plain Markdown; pure, for formats/markdown.py.

`!!! tip "Title"` with its indented text becomes `**Title:** text`, `=== "Tab"` a label above what the tab holds, and
`: meaning` below a term `term: meaning`. What stood indented below a mark loses that indentation, so that its lists,
tables and code are those of the page. An empty box is left out. Code stays as it is. One pass, without recursion.
"""

import re
from dataclasses import dataclass
from typing import Final

_BOX: Final = re.compile(
    r"(?:!!!|\?\?\?\+?)[ \t]+(?P<kind>[A-Za-z][\w-]*)(?:[ \t]+[A-Za-z][\w-]*)*(?:[ \t]*\"(?P<title>.*)\")?[ \t]*"
)
_TAB: Final = re.compile(r"===[!+]{0,2}[ \t]+\"(?P<title>.+)\"[ \t]*")
_DEFINITION: Final = re.compile(r":[ \t]+(?=\S)")
_FENCE: Final = re.compile(r"(`{3,}|~{3,})")
_ITEM: Final = re.compile(r"(?:[-*+•]|\d{1,3}[.)])\s")
_HEADING: Final = re.compile(r"#{1,6}\s")
_NO_PROSE: Final = re.compile(r"(?:[-*+•]|\d{1,3}[.)]|#{1,6})\s|`{3}|~{3}|[|>]|:{3}|!\[|!!!|\?{3}|===|<")
_ENDED: Final = (".", "!", "?", ":", "…", "\u3002", "\uff01", "\uff1f", "\uff1a")
# Markdown's own: so much deeper than its surroundings is code, and so much the text of a box is indented.
_INDENT: Final = 4


@dataclass(slots=True)
class _Open:
    """A mark and its indentation in the file. width: of what is below it, None until a line is. label: not yet shown.

    depth: its indentation in the page that is made. in_list: whether the mark stands in a list.
    """

    indent: int
    depth: int
    in_list: bool
    label: str = ""
    width: int | None = None
    is_definition: bool = False


def without_boxes(text: str) -> str:
    if not any(mark in text for mark in ("!!!", "???", "===", "\n: ", "\n:\t")):
        return text
    page = _Page()
    for line in text.split("\n"):
        page.add(line)
    page.close(-1)
    return "\n".join(page.lines)


class _Page:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self._open: list[_Open] = []
        self._fence = ""
        self._in_list = False
        self._has_defined = False

    def add(self, line: str) -> None:
        words = line.lstrip(" \t")
        if not words:
            if self._fence or (self.lines and self.lines[-1].strip()):
                self.lines.append(line)
            return
        indent = len(line[: len(line) - len(words)].expandtabs(_INDENT))
        if self._goes_on(words):
            self.lines.append(words)
            return
        self.close(indent)
        depth = indent - self._shift(indent)
        if self._fence:
            self._add_code(words, depth)
        elif self._is_code(depth) and not self._in_list:
            self._add_text(words, depth)
        elif box := _BOX.fullmatch(words) or _TAB.fullmatch(words):
            self._open_box(box, indent, depth)
        elif (meaning := _DEFINITION.match(words)) and self._define(words[meaning.end() :], indent, depth):
            return
        else:
            self._note_list(words, depth)
            self._add_text(words, depth)

    def _goes_on(self, words: str) -> bool:
        """Whether the line is of the paragraph of a definition: it may stand at any indentation."""
        in_definition = bool(self._open) and self._open[-1].is_definition and not self._fence
        return (
            in_definition
            and not self._in_list
            and bool(self.lines[-1].strip())
            and not _NO_PROSE.match(words)
            and words[0] != ":"
        )

    def close(self, indent: int) -> None:
        """The marks that a line of this indentation does not stand below; a box without text leaves nothing."""
        self._has_defined = False
        while self._open and indent < self._open[-1].indent + (self._open[-1].width or 1):
            closed = self._open.pop()
            self._fence, self._in_list, self._has_defined = "", closed.in_list, closed.is_definition
            if not closed.is_definition and self.lines and self.lines[-1].strip():
                self.lines.append("")

    def _shift(self, indent: int) -> int:
        if self._open and self._open[-1].width is None:
            self._open[-1].width = min(indent - self._open[-1].indent, _INDENT)
        return sum(each.width or 0 for each in self._open)

    def _is_code(self, depth: int) -> bool:
        return depth - (self._open[-1].depth if self._open else 0) >= _INDENT

    def _note_list(self, words: str, depth: int) -> None:
        """A line at the margin behind a blank one ends a list, if it is no item."""
        if _ITEM.match(words):
            self._in_list = True
        elif depth == 0 and (not self.lines or not self.lines[-1].strip()):
            self._in_list = False

    def _open_box(self, box: re.Match[str], indent: int, depth: int) -> None:
        if self._open and self._open[-1].label:
            self._add_label(self._open[-1], depth)
        elif depth == 0 and self.lines and self.lines[-1].strip():
            self.lines.append("")
        self._open.append(_Open(indent, depth, self._in_list, _label(box.groupdict())))
        self._in_list = False

    def _add_label(self, box: _Open, depth: int) -> None:
        self.lines += [f"{' ' * depth}{box.label}", ""]
        box.label = ""

    def _add_text(self, words: str, depth: int) -> None:
        box = self._open[-1] if self._open else None
        if box is not None and box.label and not _NO_PROSE.match(words) and not self._is_code(depth):
            words, box.label = f"{box.label} {words}", ""
        elif box is not None and box.label:
            self._add_label(box, depth)
        fence = _FENCE.match(words)
        self._fence = fence[1] if fence and words.count("`", fence.end()) == 0 else ""
        self.lines.append(f"{' ' * depth}{words}")

    def _add_code(self, words: str, depth: int) -> None:
        self.lines.append(f"{' ' * depth}{words}")
        if words.startswith(self._fence) and not words.strip(self._fence[0] + " \t"):
            self._fence = ""

    def _define(self, meaning: str, indent: int, depth: int) -> bool:
        """Whether the line says what the term above it means."""
        at = next((n for n in range(len(self.lines) - 1, -1, -1) if self.lines[n].strip()), None)
        if at is None or self._is_code(depth) or (self._open and self._open[-1].label):
            return False
        above = self.lines[at].strip()
        if self._has_defined or _HEADING.match(above):
            self.lines.append(f"{' ' * depth}{meaning}")
        elif _NO_PROSE.match(above) or self._in_list or len(self.lines) - at > 2:
            return False
        elif _NO_PROSE.match(meaning):
            self.lines[at:] = [_leading(self.lines[at]), "", meaning]
        else:
            self.lines[at:] = [f"{_leading(self.lines[at])} {meaning}"]
        self._open.append(_Open(indent, depth, self._in_list, is_definition=True))
        return True


def _label(box: dict[str, str | None]) -> str:
    """Empty when the author wants no title."""
    title = box["title"]
    words = (box.get("kind") or "").capitalize() if title is None else title.replace('\\"', '"').strip()
    return words and (_leading(words) if "*" in words or "`" in words else f"**{_leading(words)}**")


def _leading(words: str) -> str:
    return words if words.rstrip("*_ ").endswith(_ENDED) else f"{words}:"
