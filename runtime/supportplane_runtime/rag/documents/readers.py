"""The table of formats by a file's suffix, and the one way from a file's bytes to its Content; called by reading.py.

The table is made of the modules in formats/: a new format is one new module there, and nothing here changes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from importlib import import_module
from pathlib import PurePosixPath
from pkgutil import iter_modules
from typing import Final

from supportplane_runtime.rag.documents import formats, publishing
from supportplane_runtime.rag.documents.blocks import first_heading
from supportplane_runtime.rag.documents.content import Content, Format
from supportplane_runtime.rag.documents.links import without_id
from supportplane_runtime.rag.documents.text import Unreadable, as_title


def found_formats() -> tuple[Format, ...]:
    """Of every module in the folder ``formats``, in the order of the modules' names."""
    names = sorted(module.name for module in iter_modules(formats.__path__))
    return tuple(each for name in names for each in import_module(f"{formats.__name__}.{name}").FORMATS)


def by_suffix(found: Iterable[Format]) -> dict[str, Format]:
    """Raises ValueError when two formats claim the same suffix."""
    table: dict[str, Format] = {}
    for each in found:
        for suffix in each.suffixes:
            if suffix in table:
                raise ValueError(f"{suffix} is the suffix of two formats, {table[suffix].name} and {each.name}")
            table[suffix] = each
    return table


# Made when the module is imported: in the reader process this is before the limits of a file begin.
FORMATS: Final[Mapping[str, Format]] = by_suffix(found_formats())
# A file with a suffix that no format claims is read as Markdown.
_ANY_OTHER: Final = FORMATS[".md"]


def read(content: bytes, name: str, today: date) -> Content:
    """title: what the reader found, else the first heading, else the file's name. Raises Unreadable.

    today: tells whether a page that names a day is published.
    """
    path = PurePosixPath(name)
    reason = publishing.withheld_by_folder(name)
    if reason is not None:
        raise Unreadable(reason)
    found = FORMATS.get(path.suffix.lower(), _ANY_OTHER).read(content)
    reason = publishing.withheld(found.fields, today)
    if reason is not None:
        raise Unreadable(reason)
    if not found.text.strip():
        raise Unreadable(_nothing_left(found))
    return replace(found, title=found.title or without_id(first_heading(found.text)) or as_title(path.stem))


def _nothing_left(found: Content) -> str:
    if found.unclosed_line is not None:
        return f"holds no text that its readers see: a comment begins in line {found.unclosed_line} and has no end"
    return "holds no text"
