from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.store.pages import MAX_CURSOR_LENGTH, Position, decode_cursor, encode_cursor


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_leads_back_to_where_its_page_ended(created_at: datetime, item_id: UUID) -> None:
    position = Position(created_at, item_id)

    cursor = encode_cursor(position)

    assert decode_cursor(cursor) == position
    assert len(cursor) <= MAX_CURSOR_LENGTH
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_the_longest_cursor_fits() -> None:
    zone = timezone(timedelta(hours=-23, minutes=-59, seconds=-59, microseconds=-1))
    position = Position(datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=zone), UUID(int=0))

    assert len(encode_cursor(position)) <= MAX_CURSOR_LENGTH


@given(st.text(max_size=200))
def test_any_other_text_is_an_invalid_request_or_a_cursor(text: str) -> None:
    try:
        position = decode_cursor(text)
    except InvalidRequest:
        return
    assert position.created_at.tzinfo is not None


def test_a_time_without_a_zone_is_refused() -> None:
    cursor = encode_cursor(Position(datetime(2026, 1, 1), UUID(int=1)))  # noqa: DTZ001  # that is the point

    with pytest.raises(InvalidRequest):
        decode_cursor(cursor)
