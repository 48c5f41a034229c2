"""The table of readers by a file's suffix, and the one way from a file's bytes to its Content; called by reading.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from supportplane_runtime.rag.documents.front_matter import without_front_matter
from supportplane_runtime.rag.documents.html import declared_encoding, html_to_markdown
from supportplane_runtime.rag.documents.markdown import first_heading
from supportplane_runtime.rag.documents.text import Unreadable, decoded


@dataclass(frozen=True, slots=True)
class Content:
    """What a reader found in a file. title: empty when the file names none. text: Markdown."""

    title: str
    text: str


Reader = Callable[[bytes], Content]


def read(content: bytes, name: str) -> Content:
    """title: what the reader found, else the first heading, else the file's name. Raises Unreadable."""
    path = PurePosixPath(name)
    found = READERS.get(path.suffix.lower(), read_markdown)(content)
    if not found.text.strip():
        raise Unreadable("holds no text")
    return Content(found.title or first_heading(found.text) or path.stem, found.text)


def read_markdown(content: bytes) -> Content:
    """Markdown, and plain text, which is Markdown without marks."""
    return Content(*without_front_matter(decoded(content)))


def read_html(content: bytes) -> Content:
    return Content(*html_to_markdown(decoded(content, declared_encoding(content))))


# Every other suffix is read as Markdown.
READERS: Final[Mapping[str, Reader]] = {".html": read_html, ".htm": read_html, ".xhtml": read_html}
