"""A page of HTML to a tree of what its readers see, in time linear in its size; pure, called by html_to_markdown.py.

The tree is the browser's where it matters here: optional end tags may be missing, unclosed comments, scripts and tags
run to the end. Unlike the browser's it is bounded: an element below MAX_DEPTH keeps its text and loses its mark-up, and
an end tag looks for its element MAX_LOOK_UP levels up. Elements that are not seen have no nodes. Why not html.parser
with BeautifulSoup: ADR 0018.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Final

from supportplane_runtime.rag.documents.style_rules import HidingRules, Matched
from supportplane_runtime.rag.documents.visibility import UNSEEN, VOID, hides_itself

# Pages nest 60 levels at most; html.py calls itself once a level.
MAX_DEPTH: Final = 100
# Each level of a list, quotation or definition indents the text again.
MAX_INDENTING: Final = 16
MAX_LOOK_UP: Final = 100
MAX_ATTRIBUTE_CHARACTERS: Final = 10_000

_MARKUP: Final = re.compile(r"<(?=[A-Za-z/!?])")
_COMMENT_END: Final = re.compile(r"--!?>")
_NAME: Final = re.compile(r"[^\s/>]+")
_ATTRIBUTE: Final = re.compile(r"[\s/]*+(?:>|([^\s/>][^\s/>=]*+)(\s*+=\s*+)?)")
_UNQUOTED: Final = re.compile(r"[^\s>]*+")
_KEPT_ATTRIBUTES: Final = frozenset(
    {
        "alt",
        "class",
        "colspan",
        "hidden",
        "href",
        "id",
        "open",
        "poster",
        "role",
        "rowspan",
        "src",
        "start",
        "style",
        "title",
    }
)
_RAW: Final = frozenset({"iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp"})
_INDENTING: Final = frozenset({"li", "blockquote", "dd", "ul", "ol", "dl"})
_SURROUNDINGS: Final = frozenset({"nav", "header", "footer", "aside"})
_SURROUNDING_ROLES: Final = frozenset({"navigation", "banner", "contentinfo", "search"})
_TRANSPARENT: Final = frozenset({"html", "head", "body"})
_FOREIGN: Final = frozenset({"svg", "math"})
HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_ENDS_PARAGRAPH: Final = HEADINGS | frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hgroup",
        "hr",
        "li",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "pre",
        "search",
        "section",
        "summary",
        "table",
        "ul",
    }
)
_BLOCKS: Final = _ENDS_PARAGRAPH | frozenset({"caption", "tbody", "td", "tfoot", "th", "thead", "tr"})
_CELL_BOUNDARY: Final = frozenset({"table", "td", "th", "caption"})
_TABLE: Final = frozenset({"table"})
_ROWS: Final = frozenset({"tr", "td", "th"})
_SECTIONS: Final = _ROWS | {"thead", "tbody", "tfoot", "caption", "colgroup"}
# A start tag -> the open elements that it ends, and those that it does not look beyond.
_ENDS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "li": (frozenset({"li"}), frozenset({"ul", "ol", "menu", "dir"}) | _CELL_BOUNDARY),
    **dict.fromkeys(("dt", "dd"), (frozenset({"dt", "dd"}), frozenset({"dl"}) | _CELL_BOUNDARY)),
    **dict.fromkeys(("td", "th"), (frozenset({"td", "th"}), frozenset({"tr", "table"}))),
    "tr": (_ROWS | {"caption", "colgroup"}, _TABLE),
    **dict.fromkeys(("thead", "tbody", "tfoot"), (_SECTIONS, _TABLE)),
    **dict.fromkeys(HEADINGS, (HEADINGS, _CELL_BOUNDARY | {"div", "section"})),
    "a": (frozenset({"a"}), _CELL_BOUNDARY),
    **dict.fromkeys(("rt", "rp"), (frozenset({"rt", "rp"}), frozenset({"ruby"}) | _CELL_BOUNDARY)),
}
_PARAGRAPH: Final = (frozenset({"p"}), _CELL_BOUNDARY)


@dataclass(slots=True, eq=False)
class Node:
    """An element that is seen, or BREAK, a place where the text of an element without a node begins or ends."""

    name: str
    attributes: Mapping[str, str]
    children: list["Node | str"] = field(default_factory=list)


BREAK: Final = "#break"


@dataclass(frozen=True, slots=True)
class Tree:
    """title: of the page. unclosed: the offset of a comment without an end, which hides the rest of the page."""

    title: str
    root: Node
    unclosed: int | None


@dataclass(frozen=True, slots=True)
class Tag:
    name: str
    attributes: Mapping[str, str]
    is_empty: bool = False  # <svg/>; counts in drawings, formulas and XML only


def tree(page: str) -> Tree:
    rules = _rules(page)
    builder = _Builder(rules, is_xml=page.startswith("<?xml"))
    unclosed = None
    for position, token in _tokens(page, _KEPT_ATTRIBUTES | rules.attributes):
        if token is None:
            unclosed = position
        elif isinstance(token, str):
            builder.text(token)
        elif token.name.startswith("/"):
            builder.end(token.name[1:])
        else:
            builder.start(token)
    return Tree(builder.title, builder.root, unclosed)


def _rules(page: str) -> HidingRules:
    return HidingRules("\n".join(re.findall(r"<style\b[^>]*+>(.*?)</style", page, re.DOTALL | re.IGNORECASE)))


def _tokens(page: str, kept: frozenset[str]) -> Iterator[tuple[int, Tag | str | None]]:
    """Tags (an end tag's name begins with a slash), pieces of text, and None for a comment without an end."""
    position = 0
    while position < len(page):
        match = _MARKUP.search(page, position)
        start = match.start() if match else len(page)
        if start > position:
            yield position, unescape(page[position:start])
        if match is None:
            return
        if page[start + 1] in "!?" or (page[start + 1] == "/" and not page[start + 2 : start + 3].isalpha()):
            position = _end_of_comment(page, start)
            if position < 0:
                yield start, None
                return
            continue
        tag, position = _tag(page, start + 1, kept)
        if tag is None:
            return
        yield start, tag
        if tag.name in _RAW and not (tag.is_empty and page.startswith("<?xml")):
            end = re.compile(rf"</{tag.name}(?=[\s/>])", re.IGNORECASE).search(page, position)
            stop = end.start() if end else len(page)
            yield position, unescape(page[position:stop]) if tag.name == "title" else page[position:stop]
            position = stop


def _end_of_comment(page: str, start: int) -> int:
    """-1 when the comment has no end."""
    if not page.startswith("<!--", start):
        closing = page.find(">", start)
        return closing + 1 if closing >= 0 else len(page)
    if page.startswith((">", "->"), start + 4):
        return page.index(">", start) + 1
    end = _COMMENT_END.search(page, start + 4)
    return end.end() if end else -1


def _tag(page: str, position: int, kept: frozenset[str]) -> tuple[Tag | None, int]:
    """The tag whose name begins there and the place after it; None when the page ends inside the tag."""
    slash = "/" if page[position] == "/" else ""
    name = _NAME.match(page, position + len(slash))
    assert name is not None  # noqa: S101 -- the caller saw a letter
    position = name.end()
    attributes: dict[str, str] = {}
    while True:
        match = _ATTRIBUTE.match(page, position)
        if match is None:
            return None, len(page)
        position = match.end()
        if match[1] is None:
            return Tag(f"{slash}{name[0].lower()}", attributes, page[position - 2] == "/"), position
        value, position = _value(page, position) if match[2] else ("", position)
        if position < 0:
            return None, len(page)
        key = match[1].lower()
        if key in kept and key not in attributes:
            attributes[key] = unescape(value[:MAX_ATTRIBUTE_CHARACTERS])


def _value(page: str, position: int) -> tuple[str, int]:
    quote = page[position : position + 1]
    if quote in ('"', "'"):
        end = page.find(quote, position + 1)
        return page[position + 1 : end], end + 1 if end >= 0 else -1
    match = _UNQUOTED.match(page, position)
    assert match is not None  # noqa: S101 -- the pattern matches the empty string
    return match[0], match.end()


class _Builder:
    """The open elements by name, each with the node that takes its text; None where the text is not seen."""

    def __init__(self, rules: HidingRules, *, is_xml: bool) -> None:
        self.root = Node("#root", {})
        self.title = ""
        self._rules = rules
        self._is_xml = is_xml
        self._open: list[tuple[str, Node | None]] = [("#root", self.root)]
        # What the open elements matched of the rules, each with those around it.
        self._matched: list[Matched] = [Matched()]
        self._counts: Counter[str] = Counter()
        self._depth = 0
        self._indenting = 0

    def text(self, text: str) -> None:
        name, node = self._open[-1]
        if name == "title":
            # A drawing may have titles of its own.
            self.title = self.title or ("" if self._counts["svg"] else text)
        elif node is not None:
            node.children.append(text)

    def start(self, tag: Tag) -> None:
        name = tag.name
        if name in _TRANSPARENT:
            # A rule of the page's style sheet does not count: a page that hides its body so shows it by script.
            if name != "head" and hides_itself(name, tag.attributes) and not self._counts["template"]:
                self._hide_all()
            self._match_around(tag)
            return
        if name in _ENDS_PARAGRAPH and self._counts["p"]:
            self._end_open(*_PARAGRAPH)
        if name in _ENDS and any(self._counts[each] for each in _ENDS[name][0]):
            self._end_open(*_ENDS[name])
        above = self._open[-1][1]
        matched, is_seen = self._matched[-1], False
        if above is not None:
            matched, hides = self._rules.matched(name, tag.attributes, matched) if self._rules else (matched, False)
            is_seen = self._is_seen(tag, hides)
        node = self._node(tag, above if is_seen else None)
        if name not in VOID and not (tag.is_empty and self._knows_empty_tags(name)):
            self._push(name, node)
            self._matched.append(matched)

    def _hide_all(self) -> None:
        """A page has one body: what stands before its tag or after its end tag belongs to it, as in a browser."""
        if self._open[0][1] is None:
            return
        self.root.children.clear()
        self._open = [(name, None) for name, _ in self._open]

    def _knows_empty_tags(self, name: str) -> bool:
        return self._is_xml or name in _FOREIGN or any(self._counts[each] for each in _FOREIGN)

    def _match_around(self, tag: Tag) -> None:
        """The html and body elements are never closed: they stand around whatever follows."""
        if self._rules:
            self._matched[-1] = self._rules.matched(tag.name, tag.attributes, self._matched[-1])[0]

    def _is_seen(self, tag: Tag, hidden_by_rule: bool) -> bool:
        if tag.name in UNSEEN or tag.name in _SURROUNDINGS or tag.name == "title":
            return False
        if tag.attributes.get("role", "").strip().lower() in _SURROUNDING_ROLES:
            return False
        own = hides_itself(tag.name, tag.attributes)
        return not (hidden_by_rule if own is None else own)

    def _node(self, tag: Tag, above: Node | None) -> Node | None:
        """A new node, or that of the element above where the tree is deep enough."""
        if above is None:
            return None
        is_deep = self._depth >= MAX_DEPTH or (tag.name in _INDENTING and self._indenting >= MAX_INDENTING)
        if is_deep and tag.name not in VOID:
            if tag.name in _BLOCKS:
                above.children.append(Node(BREAK, {}))
            return above
        node = Node(tag.name, tag.attributes)
        above.children.append(node)
        return node

    def _push(self, name: str, node: Node | None) -> None:
        self._counts[name] += 1
        if node is not None and node is not self._open[-1][1]:
            self._depth += 1
            self._indenting += name in _INDENTING
        self._open.append((name, node))

    def _pop(self) -> str:
        name, node = self._open.pop()
        self._matched.pop()
        self._counts[name] -= 1
        above = self._open[-1][1]
        if node is not None and node is not above:
            self._depth -= 1
            self._indenting -= name in _INDENTING
        elif node is not None and name in _BLOCKS:
            node.children.append(Node(BREAK, {}))
        return name

    def end(self, name: str) -> None:
        if name == "br":
            self.start(Tag("br", {}))
        if not self._counts[name]:
            return
        boundary = _TABLE if name in _SECTIONS else frozenset() if name == "table" else _CELL_BOUNDARY
        self._end_open(frozenset({name}), boundary, all_of_them=False)

    def _end_open(self, names: frozenset[str], boundary: frozenset[str], *, all_of_them: bool = True) -> None:
        """Ends the open elements of these names, and all inside them, up to the boundary."""
        lowest = max(0, len(self._open) - MAX_LOOK_UP)
        found = 0
        for position in range(len(self._open) - 1, lowest, -1):
            name = self._open[position][0]
            if name in names:
                found = position
                if not all_of_them:
                    break
            elif name in boundary:
                break
        while found and len(self._open) > found:
            self._pop()
