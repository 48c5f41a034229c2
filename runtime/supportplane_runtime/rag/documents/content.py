"""What a reader finds in a file, and what a format is: values for readers.py and the modules in formats/."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


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
"""Raises Unreadable."""


@dataclass(frozen=True, slots=True)
class Format:
    """name: as docs/concepts/knowledge-base.md calls the format. suffixes: in lower case, each with its full stop."""

    name: str
    suffixes: tuple[str, ...]
    read: Reader
