"""Whether the author of a page has published it, from its front matter and its folder; pure, called by readers.py.

Honoured are the marks of Jekyll, Hugo, Docusaurus, Obsidian Publish and their relatives. A mark that only takes a page
out of menus or search engines (`unlisted`, `hidden`) counts too: an agent that cites the page would list it.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Final

_TRUE: Final = {"true", "yes", "on", "y", "1"}
_FALSE: Final = {"false", "no", "off", "n", "0"}
# Each key with the values that withhold the page and what the page then is.
_MARKS: Final[tuple[tuple[str, set[str], str], ...]] = (
    ("draft", _TRUE, "is a draft"),
    ("published", _FALSE, "is not published"),
    ("publish", _FALSE, "is not published"),
    ("unpublished", _TRUE, "is not published"),
    ("unlisted", _TRUE, "is unlisted"),
    ("hidden", _TRUE, "is hidden"),
    ("private", _TRUE, "is private"),
    ("internal", _TRUE, "is internal"),
    ("visible", _FALSE, "is hidden"),
    ("status", {"draft", "private", "pending", "unpublished", "hidden", "internal"}, "is not published"),
    ("visibility", {"draft", "private", "unlisted", "hidden", "internal"}, "is not published"),
    ("build.render", _FALSE | {"never"}, "is not published"),
    ("_build.render", _FALSE | {"never"}, "is not published"),
    ("build.list", _FALSE | {"never"}, "is unlisted"),
    ("_build.list", _FALSE | {"never"}, "is unlisted"),
)
_PUBLISHED_FROM: Final = ("publishdate", "publish_date", "pubdate")
_PUBLISHED_UNTIL: Final = ("expirydate", "expiry_date", "unpublishdate")
_DAYS: Final = _PUBLISHED_FROM + _PUBLISHED_UNTIL
# The keys of a front matter that decide whether its page is public, in lower case.
DECIDING: Final = frozenset({key for key, _, _ in _MARKS} | set(_DAYS))
# The value of such a key that is named and cannot be understood. No file holds this character: text.cleaned takes it.
UNCLEAR: Final = "\0"
_NOTHING: Final = {"", "null", "~"}
_TIME: Final = re.compile(r"[Tt\s]")
_WEEKDAY: Final = re.compile(r"^\s*(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\b", re.IGNORECASE)
# Beside ISO dates: `2026-6-1`, `2026/06/01`, `Jul 8, 2026` and `Wed, 08 Jul 2026 10:00:00 GMT`.
_FORMS: Final = ("%Y-%m-%d", "%Y/%m/%d", "%b %d %Y", "%B %d %Y", "%d %b %Y", "%d %B %Y")
_MAX_SHOWN: Final = 60
DRAFTS_FOLDER: Final = "_drafts"


def withheld_by_folder(name: str) -> str | None:
    if DRAFTS_FOLDER in PurePosixPath(name).parent.parts:
        return f"is a draft: the folder `{DRAFTS_FOLDER}` holds what is not published"
    return None


def withheld(fields: Mapping[str, str], today: date) -> str | None:
    """Why the page is not to be read, the end of a sentence; None when it is published."""
    unclear = next((key for key, value in fields.items() if value == UNCLEAR), None)
    if unclear is not None:
        return f"may not be published: its front matter names `{unclear}` and cannot be understood"
    for key, values, what in _MARKS:
        value = fields.get(key, "").strip()
        if value.lower() in values:
            return f"{what}: `{key}: {value}` in its front matter"
    return next((reason for key in _DAYS if (reason := _withheld_by_day(key, fields.get(key, ""), today))), None)


def _withheld_by_day(key: str, value: str, today: date) -> str | None:
    value = value.strip()
    if value.lower() in _NOTHING:
        return None
    day = _day(value)
    if day is None:
        return f"may not be published: `{key}: {value[:_MAX_SHOWN]}` in its front matter is no day that can be read"
    if key in _PUBLISHED_FROM and day > today:
        return f"is not published before {day}: `{key}` in its front matter"
    if key in _PUBLISHED_UNTIL and day <= today:
        return f"is not published since {day}: `{key}` in its front matter"
    return None


def _day(value: str) -> date | None:
    """The day of a date or time, as ISO 8601 or in English words; None for what is no date, such as 30 February."""
    try:
        return date.fromisoformat(_TIME.split(value, maxsplit=1)[0])
    except ValueError:
        pass
    words = " ".join(_WEEKDAY.sub("", value[:_MAX_SHOWN].replace(",", " ")).split()[:3])
    for form in _FORMS:
        try:
            return datetime.strptime(words, form).date()  # noqa: DTZ007 -- the day as the author wrote it
        except ValueError:
            continue
    return None
