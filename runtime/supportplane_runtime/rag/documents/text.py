"""Bytes of a file to text that every index can store, for the readers; pure."""

from typing import Final

# Titles stand before every passage that is searched and embedded, so a long one costs as often as there are passages.
# A guess: three lines of a page. Of 5,888 titles in five public sets the longest has 134 characters.
MAX_TITLE_CHARACTERS: Final = 200
_BYTE_ORDER_MARKS: Final = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class Unreadable(Exception):
    """Why one file or row is no document: the end of a sentence that begins with its name. Becomes a Skipped."""


def decoded(content: bytes, declared: str | None = None) -> str:
    """declared: the encoding that the file names itself; a byte order mark wins over it. Without both it is UTF-8."""
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if content.startswith(mark)), declared or "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        byte = content[problem.start]
        raise Unreadable(f"is not {encoding.upper()}: byte 0x{byte:02X} in line {line}; save it as UTF-8") from problem
    except (LookupError, ValueError) as problem:
        raise Unreadable(f"declares an unknown encoding, {encoding[:40]}; save it as UTF-8") from problem
    if "\0" in text:
        raise Unreadable("holds NUL bytes, so it is no text file")
    return cleaned(text)


def cleaned(text: str) -> str:
    """Unix line ends, no NUL, no half surrogate pairs (JSON and YAML can hold them): what every index can store."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.encode("utf-8", "replace").decode("utf-8")


def line_number(text: str, offset: int | None, *, body_from: int) -> int | None:
    """The line, from 1, of an offset in the body of a page that begins at ``body_from``; None for no offset."""
    return None if offset is None else text.count("\n", 0, body_from + offset) + 1


def as_title(text: str) -> str:
    """On one line, without what no index can store, and cut after MAX_TITLE_CHARACTERS."""
    # The beginning alone decides: a title of 2 MB is not taken apart.
    title = " ".join(cleaned(text[: 4 * MAX_TITLE_CHARACTERS]).split())
    return title if len(title) <= MAX_TITLE_CHARACTERS else f"{title[: MAX_TITLE_CHARACTERS - 1].rstrip()}…"
