"""What a page's source holds besides its words goes: tags, components, lone pictures; pure, for formats/markdown.py.

The chat shows HTML as the text that it is, so a tag in a passage is noise to whoever reads a quotation of it. Code
stays as it is. The content of an element stays, a link or a table written in HTML becomes one of Markdown, a badge
such as `<Required />` its name, and what stands between angle brackets and is no element, as `<your-domain>`, stays.
"""

import re
from collections.abc import Iterator
from typing import Final

from supportplane_runtime.rag.documents.blocks import line_starts, parsed
from supportplane_runtime.rag.documents.html_to_markdown import html_to_markdown

# What authors of Markdown write in HTML; an unknown name is a component when it has a capital letter or attributes.
_ELEMENTS: Final = frozenset(
    re.findall(
        r"\w+",
        "a abbr address article aside b blockquote br button caption center col colgroup dd details dfn div dl dt em"
        " figcaption figure font footer form h1 h2 h3 h4 h5 h6 header hr i iframe img input ins kbd label li main mark"
        " nav ol p picture pre s samp section small source span strong sub summary sup svg table tbody td tfoot th"
        " thead time tr track u ul var video wbr",
    )
)
_TAG: Final = re.compile(r"<(/?)([A-Za-z][\w.:-]*)((?:\s[^<>]*)?)/?>")
_LINK: Final = re.compile(r"<a\s[^<>]*?href=(?:\"([^\"<>]*)\"|'([^'<>]*)')[^<>]*>([^<>\[\]]+)</a>", re.IGNORECASE)
_CODE_ELEMENT: Final = re.compile(r"<code>([^<>`\n]+)</code>", re.IGNORECASE)
# What a script of the site fills in for its reader, as in `your name (<code><span id="name"></span></code>)`.
_EMPTY_CODE: Final = re.compile(
    r"[ ]?\((?:<span[^<>]*>)*<code>(?:</?span[^<>]*>)*</code>(?:</span>)*\)|<code>(?:</?span[^<>]*>)*</code>"
)
# Of elements of which a page shows one or the other, or both side by side.
_SIDE_BY_SIDE: Final = re.compile(r"(</(?:span|button|div|li|td|th)>)(?=<(?:span|button|div|li|td|th)\b)")
_PICTURE: Final = r"!\[[^\[\]]*\](?:\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\[\]\n]*\])(?:\{[^{}\n]*\})?"
_LONE_PICTURES: Final = re.compile(rf"^[ \t]*(?:(?:{_PICTURE}|\[{_PICTURE}\]\([^()\n]*\))[ \t]*)+$", re.MULTILINE)
_TABLE: Final = re.compile(r"<table\b[^<>]*>", re.IGNORECASE)
_BADGE: Final = re.compile(r"[A-Z][a-z]{3,}")
# As many as are left where something was between them.
_BLANK_LINES: Final = re.compile(r"\n(?:[ \t]*\n){2,}")
# Code in a line. Only the first backtick of a run begins it, so that a long run is looked at once.
CODE_SPAN: Final = r"(?<!`)(?P<ticks>`++)(?:[^`]|(?!(?P=ticks)(?!`))`)*?(?<!`)(?P=ticks)(?!`)"
_CODE_SPAN: Final = re.compile(CODE_SPAN)


def without_furniture(text: str) -> str:
    if "<" not in text and "![" not in text:
        return text
    tabled = (
        "".join(part if is_code else _with_tables(part) for is_code, part in parts_of_page(text))
        if "<table" in text
        else text
    )
    return "".join(part if is_code else _cleaned(part) for is_code, part in parts_of_page(tabled))


def parts_of_page(text: str) -> Iterator[tuple[bool, str]]:
    """(whether it is code, the part), in order; all of the text."""
    starts = line_starts(text)
    position = 0
    for token in parsed(text)[0]:
        if token.type in ("fence", "code_block") and token.map is not None:
            start, end = starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]
            yield False, text[position:start]
            yield True, text[start:end]
            position = end
    yield False, text[position:]


def _cleaned(text: str) -> str:
    kept: list[str] = []
    position = 0
    for span in _CODE_SPAN.finditer(text):
        kept += (_without_tags(text[position : span.start()]), span[0])
        position = span.end()
    kept.append(_without_tags(text[position:]))
    cleaned = _LONE_PICTURES.sub("", "".join(kept))
    return text if cleaned == text else _BLANK_LINES.sub("\n\n", cleaned)


def _with_tables(text: str) -> str:
    """Tables written in HTML as tables of Markdown; what is a table without an end stays for _without_tags."""
    kept: list[str] = []
    position = 0
    for begin in _TABLE.finditer(text):
        end = text.find("</table>", begin.end()) if begin.start() >= position else -1
        if end >= 0:
            table = html_to_markdown(text[begin.start() : end + len("</table>")])[1]
            kept += (text[position : begin.start()], f"\n\n{table.strip()}\n\n")
            position = end + len("</table>")
    return "".join([*kept, text[position:]])


def _without_tags(text: str) -> str:
    if "<" not in text:
        return text
    text = _SIDE_BY_SIDE.sub(r"\1 ", _EMPTY_CODE.sub("", text))
    text = _LINK.sub(lambda link: f"[{link[3].strip()}]({link[1] or link[2]})", text)
    text = _TAG.sub(_on_one_line, _CODE_ELEMENT.sub(r"`\1`", text))
    *lines, last = text.split("\n")
    # Behind the last one code may follow.
    return "\n".join([*(_line(line).rstrip() for line in lines), _line(last)])


def _on_one_line(tag: re.Match[str]) -> str:
    return " ".join(tag[0].split())


def _line(line: str) -> str:
    """A line that is not tags alone keeps its indentation, by which it belongs to a list."""
    if "<" not in line:
        return line
    words = _TAG.sub(_instead, line)
    return words if _TAG.sub("", line).strip() else ""


def _instead(tag: re.Match[str]) -> str:
    name, attributes = tag[2], tag[3].strip()
    if not attributes.strip("/ ") and _BADGE.fullmatch(name) and tag[0].endswith("/>"):
        return f"({name})"
    is_element = name.lower() in _ELEMENTS or name[0].isupper() or "=" in attributes or attributes.endswith("/")
    if not is_element:
        return tag[0]
    return " " if name.lower() == "br" else ""
