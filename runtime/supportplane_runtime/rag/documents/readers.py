"""The table of readers by a file's suffix, and the one way from a file's bytes to its Content; called by reading.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePosixPath
from typing import Final

from supportplane_runtime.rag.documents import front_matter, publishing
from supportplane_runtime.rag.documents.hidden import Visible, visible_markdown, visible_templates
from supportplane_runtime.rag.documents.html import declared_encoding, tree_to_markdown
from supportplane_runtime.rag.documents.html_tree import tree
from supportplane_runtime.rag.documents.markdown import first_heading
from supportplane_runtime.rag.documents.text import Unreadable, as_title, decoded


@dataclass(frozen=True, slots=True)
class Content:
    """What a reader found in a file.

    title: empty when the file names none. text: Markdown. unclosed_line: where a comment begins that has no end, so
    that the rest of the file is hidden. fields: of the front matter.
    """

    title: str
    text: str
    unclosed_line: int | None
    fields: Mapping[str, str]


Reader = Callable[[bytes], Content]


def read(content: bytes, name: str, today: date) -> Content:
    """title: what the reader found, else the first heading, else the file's name. Raises Unreadable.

    today: tells whether a page that names a day is published.
    """
    path = PurePosixPath(name)
    reason = publishing.withheld_by_folder(name)
    if reason is not None:
        raise Unreadable(reason)
    found = READERS.get(path.suffix.lower(), read_markdown)(content)
    reason = publishing.withheld(found.fields, today)
    if reason is not None:
        raise Unreadable(reason)
    if not found.text.strip():
        raise Unreadable(_nothing_left(found))
    return replace(found, title=found.title or first_heading(found.text) or as_title(path.stem))


def _nothing_left(found: Content) -> str:
    if found.unclosed_line is not None:
        return f"holds no text that its readers see: a comment begins in line {found.unclosed_line} and has no end"
    return "holds no text"


def read_markdown(content: bytes) -> Content:
    """Markdown, and plain text, which is Markdown without marks."""
    text = decoded(content)
    page = front_matter.page(text)
    visible = visible_markdown(page.body)
    line = _line(text, len(text) - len(page.body), visible)
    return Content(as_title(page.fields.get("title", "")), visible.text, line, page.fields)


def read_html(content: bytes) -> Content:
    text = decoded(content, declared_encoding(content))
    page = front_matter.page(text)
    visible = visible_templates(page.body)
    found = tree(visible.text)
    title, markdown = tree_to_markdown(found)
    if found.unclosed is not None:
        visible = Visible(visible.text, found.unclosed)
    line = _line(text, len(text) - len(page.body), visible)
    return Content(title or as_title(page.fields.get("title", "")), markdown, line, page.fields)


def _line(text: str, body_from: int, visible: Visible) -> int | None:
    return None if visible.unclosed is None else text.count("\n", 0, body_from + visible.unclosed) + 1


# Every other suffix is read as Markdown.
READERS: Final[Mapping[str, Reader]] = {".html": read_html, ".htm": read_html, ".xhtml": read_html}
