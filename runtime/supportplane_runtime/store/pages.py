"""Cursors of listings: where a page ended, as opaque text. Newest first, so a page never shifts under its reader."""

import base64
import binascii
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from supportplane_runtime.errors import InvalidRequest

MAX_CURSOR_LENGTH = 128  # ours are 88 at most


class Position(NamedTuple):
    """The last item of a page: listings are ordered by creation, then id, both descending."""

    created_at: datetime
    item_id: UUID


def encode_cursor(position: Position) -> str:
    text = f"{position.created_at.isoformat()}/{position.item_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Position:
    """Raises InvalidRequest for text that is not one of our cursors."""
    if len(cursor) > MAX_CURSOR_LENGTH or not cursor.isascii():
        raise _not_a_cursor()
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        created_at, _, item_id = text.partition("/")
        position = Position(datetime.fromisoformat(created_at), UUID(item_id))
    except (ValueError, binascii.Error) as exc:
        raise _not_a_cursor() from exc
    if position.created_at.tzinfo is None:
        raise _not_a_cursor()
    return position


def _not_a_cursor() -> InvalidRequest:
    return InvalidRequest("The parameter 'after' is not a cursor of this listing; take it from the previous page.")
