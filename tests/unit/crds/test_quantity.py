"""Durations and decimals: what they read, and that text and value lead back to each other."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from supportplane_crds.quantity import DecimalText, Duration, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("45s", timedelta(seconds=45)),
        ("2m", timedelta(minutes=2)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("1h1m1s1ms", timedelta(hours=1, minutes=1, seconds=1, milliseconds=1)),
        ("90s", timedelta(seconds=90)),
        ("0s", timedelta(0)),
        ("", None),
        ("s", None),
        ("5", None),
        ("5 s", None),
        ("1m1h", None),
        ("1d", None),
        ("1.5h", None),
        ("-1s", None),
        ("+1s", None),
        ("٣s", None),
        ("1000000h", None),
        ("5s\n", None),
    ],
)
def test_a_duration_is_read_or_is_none(text: str, value: timedelta | None) -> None:
    assert parse_duration(text) == value


@settings(deadline=None)
@given(st.integers(0, 999_999 * 3_600_000))
def test_a_written_duration_is_read_as_the_same(milliseconds: int) -> None:
    value = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(value)) == value


def test_a_duration_is_written_in_its_largest_units() -> None:
    assert format_duration(timedelta(seconds=90)) == "1m30s"
    assert format_duration(timedelta(0)) == "0ms"


LENGTH: TypeAdapter[timedelta] = TypeAdapter(Annotated[timedelta, Duration("1s", "2m")])
FRACTION: TypeAdapter[Decimal] = TypeAdapter(Annotated[Decimal, DecimalText("0", "2")])


def test_a_duration_field_takes_text_from_yaml_and_a_timedelta_from_code() -> None:
    assert LENGTH.validate_json('"90s"') == LENGTH.validate_python(timedelta(seconds=90)) == timedelta(seconds=90)
    assert LENGTH.dump_json(timedelta(seconds=90)) == b'"1m30s"'


@pytest.mark.parametrize("text", ["999ms", "2m1ms", "ever"])
def test_the_bounds_of_a_duration_are_part_of_its_sentence(text: str) -> None:
    with pytest.raises(ValidationError, match="must be a duration from 1s to 2m, written like"):
        LENGTH.validate_python(text)


def test_a_decimal_keeps_the_digits_it_was_written_with() -> None:
    assert FRACTION.validate_json('"0.20"') == Decimal("0.2")
    assert FRACTION.dump_json(Decimal("0.20")) == b'"0.20"'


@pytest.mark.parametrize("text", ["2.0001", "-1", "1e1", "Infinity", "", "1.", ".5", "1_0"])
def test_the_bounds_of_a_decimal_are_part_of_its_sentence(text: str) -> None:
    with pytest.raises(ValidationError, match="must be a decimal number from 0 to 2 in quotes"):
        FRACTION.validate_python(text)
