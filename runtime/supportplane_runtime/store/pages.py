"""Pages of listings, and their cursors: where a page ended, as opaque text.

Listings are newest first, so a page never shifts under its reader.

Every text of the form CURSOR is a place in the listing, so the API's document says exactly which cursors are refused.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from supportplane_runtime.errors import InvalidRequest

FEEDBACK_LISTING = "f"  # ordered by the latest change, not by creation: its cursors begin so
# Microseconds since the year 1 (up to the year 9100), then the id, in hexadecimal digits.
CURSOR = "^[0-3][0-9a-f]{14}[0-9a-f]{32}$"
FEEDBACK_CURSOR = f"^{FEEDBACK_LISTING}{CURSOR[1:]}"
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_TIME_DIGITS = 15

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """A page of a listing; ``after`` is the opaque cursor of the next one, None at the end."""

    items: tuple[ItemT, ...]
    after: str | None


class Position(NamedTuple):
    """The last item of a page: listings are ordered by creation, then id, both descending."""

    created_at: datetime
    item_id: UUID


def encode_cursor(position: Position, *, listing: str = "") -> str:
    """listing: its mark, where the time is another one than that of creation, so no other listing takes the cursor."""
    moment = (position.created_at - _BEGINNING) // timedelta(microseconds=1)
    return f"{listing}{moment:0{_TIME_DIGITS}x}{position.item_id.hex}"


def decode_cursor(cursor: str, *, listing: str = "") -> Position:
    """Raises InvalidRequest for text that is not a cursor of this listing."""
    place = cursor.removeprefix(listing)
    if not cursor.startswith(listing) or re.fullmatch(CURSOR.strip("^$"), place) is None:
        raise InvalidRequest("The parameter 'after' is not a cursor of this listing; take it from the previous page.")
    moment = timedelta(microseconds=int(place[:_TIME_DIGITS], 16))
    return Position(_BEGINNING + moment, UUID(place[_TIME_DIGITS:]))
