"""Marks inside of lines that site generators draw or act on, and readers of the text would see; pure.

Called by formats/markdown.py for MkDocs, Docusaurus, Hugo and Sphinx. Attributes (`{: .wide }`), icons
(`:material-arrow-right:`), marks of footnotes, `**A:**` before an answer and names of characters (`&gt;`) become what a
reader of the page sees; the text of a footnote is a paragraph. An id behind a heading stays: links.py makes the anchor
of it. Code stays as it is.
"""

import html
import re
from collections.abc import Container
from typing import Final

from supportplane_runtime.rag.documents.furniture import CODE_SPAN, parts_of_page

_VALUE: Final = r"(?:[#.][\w:.-]+|[A-Za-z][\w-]*=(?:\"[^\"{}]*\"|'[^'{}]*'|[\w./%-]+))"
_MARK: Final = re.compile(
    rf"(?P<code>{CODE_SPAN})"
    r"|\{(?P<role>[a-z][a-z:-]*)\}`(?P<said>[^`\n]+)`"
    # A bare `{key=value}` may be the author's text: it is an attribute behind a link, a picture or code only.
    rf"|(?P<attributes>(?<!\{{)[ ]?\{{[ ]?(?P<begin>:?)[ ]?(?P<first>{_VALUE})(?P<more>(?:[ ]+{_VALUE})*)[ ]?\}}"
    r"(?!\}))"
    r"|(?P<icon>:(?:material|fontawesome|octicons|simple|bootstrap|lucide)-(?P<name>[a-z0-9-]+):)"
    r"(?:\{[^{}]*\})?(?P<gap>[ ]*)"
    r"|[ ]?\[\^(?P<note>[^\[\]\s]+)\]"
    r"|(?P<entity>&(?:[A-Za-z][A-Za-z0-9]*|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});)"
)
_ARROWS: Final = {"right": "→", "left": "←", "up": "↑", "down": "↓"}
_ARROW: Final = re.compile(r"(?:solid-)?(?:arrow|chevron)-(right|left|up|down)\b")
_FAMILY: Final = re.compile(r"^(?:brands|solid|regular)-|-(?:16|24)$")
_NOTE: Final = re.compile(r"^[ ]{0,3}\[\^([^\[\]\s]+)\]:[ \t]*", re.MULTILINE)
_ANSWER: Final = re.compile(r"^(\s*)(\*\*|__|\*|_)(?:Q|A|Question|Answer):\2[ \t]+(?=\S)")
_REFERENCES: Final = frozenset({"ref", "doc", "term", "any", "numref", "download", "abbr", "sub", "sup"})
_TARGET: Final = re.compile(r"^\([\w.:-]+\)=[ \t]*\n", re.MULTILINE)
_ID: Final = re.compile(r"#[\w.:-]+")
_FENCE_NAME: Final = re.compile(r"^(\s*(?:`{3,}|~{3,}))[ ]*\{[ ]*(?:\.|code(?:-block)?\}[ ]*)([\w+-]+)[^{}`]*\}?[ ]*$")
_TRIGGERS: Final = ("{", ":", "[^", "&", "A", "Q", ")=")


def without_marks(text: str) -> str:
    if not any(trigger in text for trigger in _TRIGGERS):
        return text
    parts = list(parts_of_page(text))
    notes = frozenset(_NOTE.findall("".join(part for is_code, part in parts if not is_code)))
    return "".join(_code(part) if is_code else _prose(part, notes) for is_code, part in parts)


def _code(part: str) -> str:
    """The language of a block that is written as an attribute, as in { .bash .no-copy } or {code-block} bash."""
    first, end, rest = part.partition("\n")
    return _FENCE_NAME.sub(r"\1\2", first) + end + rest


def _prose(part: str, notes: Container[str]) -> str:
    return "\n".join(_line(line, notes) for line in _NOTE.sub("", _TARGET.sub("", part)).split("\n"))


def _line(line: str, notes: Container[str]) -> str:
    is_heading = line.lstrip().startswith("#")
    has_tag = "&lt;" in line

    def instead(mark: re.Match[str]) -> str:
        if mark["code"]:
            return mark[0]
        if mark["attributes"]:
            return _without_attributes(mark, line, is_heading=is_heading)
        if mark["role"]:
            return _said(mark["role"], mark["said"])
        if mark["icon"]:
            return _icon(mark, line)
        if mark["note"]:
            return "" if mark["note"] in notes else mark[0]
        # What would read as a tag stays as its author wrote it.
        return mark[0] if has_tag else html.unescape(mark[0]).replace("\u00a0", " ")

    shown = _MARK.sub(instead, _ANSWER.sub(r"\1", line))
    return line if shown == line else shown.rstrip()


def _without_attributes(mark: re.Match[str], line: str, *, is_heading: bool) -> str:
    before = line[: mark.start()].rstrip()
    if mark["first"][0] not in "#." and not mark["begin"] and not before.endswith((")", "]", "`")):
        return mark[0]
    own = _ID.search(f"{mark['first']}{mark['more']}") if is_heading and not line[mark.end() :].strip() else None
    return f" {{{own[0]}}}" if own else ""


def _said(role: str, words: str) -> str:
    """Of a role of Sphinx: a reference shows its words and not the place where it leads, and code is code."""
    return re.sub(r"\s*<[^<>]*>$", "", words) or words if role in _REFERENCES else f"`{words}`"


def _icon(mark: re.Match[str], line: str) -> str:
    """An arrow is one, an icon behind words is named, because they speak of it, and before words it decorates them."""
    arrow = _ARROW.match(mark["name"])
    if arrow:
        return _ARROWS[arrow[1]] + mark["gap"]
    if re.search(r"\w[ ]$", line[: mark.start()][-2:]):
        return f"({_FAMILY.sub('', mark['name']).replace('-', ' ')}){mark['gap']}"
    return ""
