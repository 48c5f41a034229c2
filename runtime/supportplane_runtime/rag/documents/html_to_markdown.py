"""An HTML page to its title and Markdown: the article without what surrounds it on every page; pure.

Navigation, banners, scripts and hidden parts have no nodes (html_tree.py); headings, lists, tables and code stay.
Markdown comes out, so that chunking sees one kind of structure. Every level copies the text of the levels below it
once, and the tree is at most MAX_DEPTH deep.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntFlag
from typing import Final, NamedTuple

from supportplane_runtime.rag.documents.html_tree import BREAK, HEADINGS, Node, Tree, tree
from supportplane_runtime.rag.documents.text import as_title

_BLANK_LINES: Final = re.compile(r"\n[ \t]*+(?:\n[ \t]*+){2,}")
_DECLARED: Final = re.compile(
    rb"<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9._:-]+)", re.IGNORECASE
)
# Browsers look no further for it.
_DECLARED_WITHIN: Final = 2048
_LANGUAGE_CLASS: Final = re.compile(r"(?:language|lang|highlight-source)-([\w+#-]+)")
# Anchors that documentation generators put beside headings.
_PERMALINKS: Final = {"#", "¶", "🔗"}
_SPACE: Final = re.compile(r"[\t ]+")
_SPACE_WITH_LINE_END: Final = re.compile(r"[\t ]*+\n\s*+")
_ALL_SPACE: Final = re.compile(r"[\t \r\n]+")
_BACKTICKS: Final = re.compile(r"`+")
_LISTS: Final = {"ul", "ol", "menu", "dir"}
_CONSTANTS: Final = {BREAK: "\n\n", "hr": "\n\n---\n\n"}
_CELLS: Final = {"td", "th"}
_ROW_GROUPS: Final = {"thead", "tbody", "tfoot"}
_CODE: Final = {"code", "kbd", "samp"}
_MARKS: Final = {"em": "*", "i": "*", "strong": "**", "b": "**", "del": "~~", "s": "~~", "strike": "~~", "q": '"'}
_BLOCKS: Final = frozenset(
    {
        "address",
        "article",
        "center",
        "details",
        "dialog",
        "div",
        "dl",
        "fieldset",
        "figcaption",
        "figure",
        "form",
        "header",
        "hgroup",
        "legend",
        "main",
        "p",
        "search",
        "section",
        "summary",
    }
)
_STRIPPED_INSIDE: Final = (
    _BLOCKS | HEADINGS | _LISTS | _CELLS | _ROW_GROUPS | frozenset({"blockquote", "li", "dt", "dd", "table", "tr"})
)
_STRIPPED_OUTSIDE: Final = _STRIPPED_INSIDE | {"pre", BREAK}
# Cells that spans add: enough for tables that people read, little for `colspan=1000` in every cell.
_MAX_SPAN: Final = 50
_MAX_FILLED_CELLS: Final = 10_000


class _In(IntFlag):
    """What the text stands in."""

    NOTHING = 0
    PRE = 1
    CODE = 2  # or pre
    LINE = 4  # a heading or a cell: there are no blocks in it
    HEADING = 8
    ITEM = 16


class _Part(NamedTuple):
    """An element, the text of all that it holds, and where it stands."""

    node: Node
    text: str
    where: _In


def declared_encoding(content: bytes) -> str | None:
    """What the page's own meta element or XML declaration says, for bytes without a byte order mark."""
    match = _DECLARED.search(content[:_DECLARED_WITHIN])
    return match[1].decode("ascii") if match else None


def html_to_markdown(page: str) -> tuple[str, str]:
    """(title, Markdown); the title is empty when the page has none."""
    return tree_to_markdown(tree(page))


def tree_to_markdown(found: Tree) -> tuple[str, str]:
    article = _article(found.root)
    return as_title(found.title), _BLANK_LINES.sub("\n\n", _Writer().written(article, _In.NOTHING)).strip()


def _article(root: Node) -> Node:
    """The main element, else the only article, else all of the page; scripts fill those without text."""
    mains = [node for node in _outermost(root, {"main"}) if _has_text(node)]
    articles = [node for node in _outermost(root, {"article"}) if _has_text(node)]
    return mains[0] if mains else articles[0] if len(articles) == 1 else root


def _outermost(root: Node, names: set[str]) -> Iterator[Node]:
    """In reading order."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.name in names:
            yield node
            continue
        waiting.extend(child for child in reversed(node.children) if isinstance(child, Node))


def _has_text(root: Node) -> bool:
    waiting = [root]
    while waiting:
        for child in waiting.pop().children:
            if isinstance(child, Node):
                waiting.append(child)
            elif child.strip():
                return True
    return False


def _has(root: Node, names: Iterable[str]) -> bool:
    return any(
        node is not root for child in root.children if isinstance(child, Node) for node in _outermost(child, set(names))
    )


class _Writer:
    """One for a page, because the cells that spans add are counted over the whole of it."""

    def __init__(self) -> None:
        self._filled = 0

    def written(self, node: Node, where: _In) -> str:
        name = node.name
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name == "table" and not _has(node, {"table", *HEADINGS}):
            return self._table(node, where)
        if name == "form" and not _has(node, {"main", "article", *HEADINGS}):
            return ""
        text = self._inside(node, _within(name, where))
        if name in _MARKS or name in _CODE:
            return _marked(name, text, where)
        if name in _STRIPPED_INSIDE and name not in _WRITERS:
            return _block(text, where)
        write = _WRITERS.get(name)
        return write(_Part(node, text, where)) if write else text

    def _inside(self, node: Node, where: _In) -> str:
        """The text of all children; blank lines between them are not doubled."""
        parts: list[str] = []
        number = _first_number(node)
        children = node.children
        for position, child in enumerate(children):
            if isinstance(child, str):
                part = _text(node, position, where)
            elif child.name == "li":
                part = _item(self._inside(child, where | _In.ITEM), "- " if number is None else f"{number}. ")
                number = None if number is None else number + 1
            else:
                part = self.written(child, where)
            if part:
                parts.append(part)
        return "".join(parts) if where & _In.PRE else _joined(parts)

    def _table(self, table: Node, where: _In) -> str:
        rows: list[list[Node]] = []
        beside: list[str] = []
        self._collect(table, where, rows, beside)
        lines = [f"|{''.join(f' {cell} |' for cell in row)}" for row in self._grid(rows, where | _In.LINE)]
        if lines and not where & _In.LINE:
            lines.insert(1, f"| {' | '.join(['---'] * max(1, lines[0].count(' |')))} |")
        return "\n\n" + "".join(f"{each.strip()}\n\n" for each in beside if each.strip()) + "\n".join(lines) + "\n\n"

    def _collect(self, part: Node, where: _In, rows: list[list[Node]], beside: list[str]) -> None:
        """The rows, and what stands in the table beside them, such as its caption."""
        loose: list[Node] = []
        for position, child in enumerate(part.children):
            if isinstance(child, str):
                beside.append(_text(part, position, where))
            elif child.name in _ROW_GROUPS:
                self._collect(child, where, rows, beside)
            elif child.name == "tr":
                rows.append([each for each in child.children if isinstance(each, Node) and each.name in _CELLS])
                beside += [
                    self.written(each, where) if isinstance(each, Node) else each
                    for each in child.children
                    if isinstance(each, str) or each.name not in _CELLS
                ]
            elif child.name in _CELLS:
                if not loose:
                    rows.append(loose)
                loose.append(child)
            else:
                beside.append(self.written(child, where))

    def _grid(self, rows: Sequence[Sequence[Node]], where: _In) -> Iterator[list[str]]:
        """The texts of the cells; a cell that spans columns or rows stands in each of them."""
        below: dict[int, tuple[str, int]] = {}  # column -> text and how many rows it still covers
        for row in rows:
            texts: list[str] = []
            for cell in row:
                self._fill_from_above(texts, below)
                text = " ".join(self._inside(cell, _within(cell.name, where)).split("\n")).strip()
                height = _span(cell, "rowspan") - 1
                for copy in range(_span(cell, "colspan")):
                    if copy and not self._may_fill():
                        break
                    if height:
                        below[len(texts)] = (text, height)
                    texts.append(text)
            self._fill_from_above(texts, below)
            if row:
                yield texts

    def _fill_from_above(self, texts: list[str], below: dict[int, tuple[str, int]]) -> None:
        while len(texts) in below and self._may_fill():
            text, height = below.pop(len(texts))
            if height > 1:
                below[len(texts)] = (text, height - 1)
            texts.append(text)

    def _may_fill(self) -> bool:
        self._filled += 1
        return self._filled <= _MAX_FILLED_CELLS


def _within(name: str, where: _In) -> _In:
    if name in HEADINGS:
        return where | _In.LINE | _In.HEADING
    if name in _CELLS:
        return where | _In.LINE
    if name == "pre":
        return where | _In.PRE | _In.CODE
    return where | _In.CODE if name in _CODE else where


def _text(node: Node, position: int, where: _In) -> str:
    """The piece of text at that place among the children, with the white space that a browser shows."""
    text = node.children[position]
    assert isinstance(text, str)  # noqa: S101 -- the caller looked
    if where & _In.PRE:
        return text
    before = node.children[position - 1] if position else None
    after = node.children[position + 1] if position + 1 < len(node.children) else None
    is_first = before is None and node.name in _STRIPPED_INSIDE
    is_last = after is None and node.name in _STRIPPED_INSIDE
    text = _SPACE.sub(" ", _SPACE_WITH_LINE_END.sub("\n", text)) if "\n" in text else _SPACE.sub(" ", text)
    if is_first or _is_block(before):
        text = text.lstrip(" \t\r\n")
    return text.rstrip() if is_last or _is_block(after) else text


def _is_block(node: Node | str | None) -> bool:
    return isinstance(node, Node) and node.name in _STRIPPED_OUTSIDE


def _joined(parts: Iterable[str]) -> str:
    joined: list[str] = []
    pending = 0
    for part in parts:
        body = part.lstrip("\n")
        pending = max(pending, min(2, len(part) - len(body)))
        if not body:
            continue
        text = body.rstrip("\n")
        joined += ("\n" * pending, text)
        pending = min(2, len(body) - len(text))
    return "".join(joined) + "\n" * pending


def _block(text: str, where: _In) -> str:
    text = text.strip()
    if where & _In.LINE:
        return f" {text} "
    return f"\n\n{text}\n\n" if text else ""


def _marked(name: str, text: str, where: _In) -> str:
    """White space at the ends goes outside of the marks."""
    if where & _In.CODE or not text.strip():
        return text if where & _In.CODE else ""
    before, after = " " if text[0] == " " else "", " " if text[-1] == " " else ""
    text = text.strip()
    mark = _MARKS.get(name, "")
    if name in _CODE:
        longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
        mark, text = "`" * (longest + 1), f" {text} " if longest else text
    return f"{before}{mark}{text}{mark}{after}"


def _first_number(node: Node) -> int | None:
    """Of an ordered list; None for everything else."""
    if node.name != "ol":
        return None
    start = node.attributes.get("start", "")
    return int(start) if start.isdecimal() and len(start) < 10 else 1


def _item(text: str, bullet: str) -> str:
    text = text.strip()
    return f"{bullet}{_indented(text, ' ' * len(bullet))}\n" if text else "\n"


def _indented(text: str, indentation: str) -> str:
    """Every line but the first."""
    first, *others = text.split("\n")
    return "\n".join([first, *(f"{indentation}{line}" if line else "" for line in others)])


def _list(part: _Part) -> str:
    if part.where & _In.ITEM:
        return "\n" + part.text.rstrip()
    return f"\n\n{part.text}\n"


def _heading(part: _Part) -> str:
    if part.where & _In.LINE:
        return part.text
    return f"\n\n{'#' * int(part.node.name[1])} {_ALL_SPACE.sub(' ', part.text.strip())}\n\n"


def _line_break(part: _Part) -> str:
    return " " if part.where & _In.LINE else "  \n"


def _link(part: _Part) -> str:
    if part.where & _In.CODE:
        return part.text
    if part.where & _In.HEADING and part.text.strip() in _PERMALINKS:
        return ""
    label = part.text.strip()
    target = part.node.attributes.get("href", "")
    if not label or not target:
        return part.text if label else ""
    before, after = " " if part.text[0] == " " else "", " " if part.text[-1] == " " else ""
    if label == target and not part.node.attributes.get("title"):
        return f"<{target}>"
    return f"{before}[{label}]({target}{_quoted_title(part.node)}){after}"


def _quoted_title(node: Node) -> str:
    title = node.attributes.get("title", "")
    return ' "{}"'.format(title.replace('"', r"\"")) if title else ""


def _image(part: _Part) -> str:
    alternative, source = part.node.attributes.get("alt", ""), part.node.attributes.get("src", "")
    if part.where & _In.LINE or source.startswith("data:"):
        return alternative
    return f"![{alternative}]({source}{_quoted_title(part.node)})"


def _quotation(part: _Part) -> str:
    text = part.text.strip(" \t\r\n")
    if part.where & _In.LINE:
        return f" {text} "
    if not text:
        return "\n"
    return "\n" + "\n".join(f"> {line}" if line else ">" for line in text.split("\n")) + "\n\n"


def _term(part: _Part) -> str:
    text = _ALL_SPACE.sub(" ", part.text.strip())
    return f" {text} " if part.where & _In.LINE else f"\n\n{text}\n" if text else "\n"


def _definition(part: _Part) -> str:
    text = part.text.strip()
    if part.where & _In.LINE:
        return f" {text} "
    return f":   {_indented(text, '    ')}\n" if text else "\n"


def _preformatted(part: _Part) -> str:
    if part.where & _In.LINE:
        return f" {part.text.strip()} "
    if not part.text:
        return ""
    leading = part.text[: len(part.text) - len(part.text.lstrip(" \n"))]
    text = part.text[leading.rfind("\n") + 1 :].rstrip(" \n")
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n\n{fence}{_code_language(part.node)}\n{text}\n{fence}\n\n"


def _code_language(block: Node) -> str:
    """Of ``<pre><code class="language-sh">`` and its relatives."""
    for element in (block, *(child for child in block.children if isinstance(child, Node) and child.name == "code")):
        match = _LANGUAGE_CLASS.search(element.attributes.get("class", ""))
        if match:
            return match[1]
    return ""


def _span(cell: Node, name: str) -> int:
    value = cell.attributes.get(name, "").strip()
    return max(1, min(_MAX_SPAN, int(value))) if value.isdecimal() and len(value) < 6 else 1


_WRITERS: Final[Mapping[str, Callable[[_Part], str]]] = {
    **dict.fromkeys(HEADINGS, _heading),
    **dict.fromkeys(_LISTS, _list),
    "a": _link,
    "blockquote": _quotation,
    "br": _line_break,
    "dd": _definition,
    "dt": _term,
    "img": _image,
    "pre": _preformatted,
}
