"""Cursors of listings: where a page ended, as opaque text. Newest first, so a page never shifts under its reader."""

import base64
import binascii
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from supportplane_runtime.errors import InvalidRequest

FEEDBACK_LISTING = "feedback"  # ordered by the latest change, not by creation
MAX_CURSOR_LENGTH = 128  # ours are 100 at most


class Position(NamedTuple):
    """The last item of a page: listings are ordered by creation, then id, both descending."""

    created_at: datetime
    item_id: UUID


def encode_cursor(position: Position, *, listing: str | None = None) -> str:
    """listing: its name, where the time is another one than that of creation, so no other listing takes the cursor."""
    text = "/".join([position.created_at.isoformat(), str(position.item_id), *_named(listing)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *, listing: str | None = None) -> Position:
    """Raises InvalidRequest for text that is not a cursor of this listing."""
    if len(cursor) > MAX_CURSOR_LENGTH or not cursor.isascii():
        raise _not_a_cursor()
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        created_at, item_id, *name = text.split("/")
        position = Position(datetime.fromisoformat(created_at), UUID(item_id))
    except (ValueError, binascii.Error) as exc:
        raise _not_a_cursor() from exc
    if position.created_at.tzinfo is None or name != _named(listing):
        raise _not_a_cursor()
    return position


def _named(listing: str | None) -> list[str]:
    return [listing] if listing else []


def _not_a_cursor() -> InvalidRequest:
    return InvalidRequest("The parameter 'after' is not a cursor of this listing; take it from the previous page.")
