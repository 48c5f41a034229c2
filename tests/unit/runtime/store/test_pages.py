import re
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.store.pages import CURSOR, Position, decode_cursor, encode_cursor

MOMENTS = st.datetimes(timezones=st.just(UTC), max_value=datetime(9100, 1, 1))  # noqa: DTZ001 - the zone is added


@given(MOMENTS, st.uuids())
def test_a_cursor_leads_back_to_where_its_page_ended(created_at: datetime, item_id: UUID) -> None:
    position = Position(created_at, item_id)

    cursor = encode_cursor(position)

    assert decode_cursor(cursor) == position
    assert re.fullmatch(CURSOR, cursor)


def test_a_time_of_another_zone_is_the_same_place() -> None:
    zone = timezone(timedelta(hours=-7))
    here = datetime(2026, 11, 28, 1, 2, 3, 4, tzinfo=zone)

    assert encode_cursor(Position(here, UUID(int=1))) == encode_cursor(Position(here.astimezone(UTC), UUID(int=1)))


@given(st.from_regex(CURSOR, fullmatch=True, alphabet=st.characters(codec="ascii")))
def test_whatever_the_document_allows_is_a_place(text: str) -> None:
    assert decode_cursor(text.rstrip("\n")).created_at.tzinfo is UTC


@given(st.text(max_size=200))
def test_any_other_text_is_an_invalid_request_or_a_cursor(text: str) -> None:
    if re.fullmatch(CURSOR, text.rstrip("\n")):
        return
    with pytest.raises(InvalidRequest):
        decode_cursor(text)
