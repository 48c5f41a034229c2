import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.gateway.errors import UnsupportedMediaType
from supportplane_runtime.gateway.http.json import MAX_DEPTH, parse_json, require_json

STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
INTEGERS = st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1)
SCALARS = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | STORABLE
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(STORABLE, inner), max_leaves=20)


@given(VALUES)
def test_what_json_can_say_is_read_as_it_is(value: Any) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_reason(data: bytes) -> None:
    try:
        parse_json(data)
    except InvalidRequest as exc:
        assert exc.detail  # noqa: PT017 - whether it raises is not what is tested


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": Infinity}', "Infinity is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "larger than 64 bits"),
        (b'{"a": 9223372036854775808}', "larger than 64 bits"),
        (b'{"a": 1, "a": 2}', "'a' appears twice"),
        (b'{"x": {"a": 1, "b": 2, "a": 3}}', "'a' appears twice"),
        (b'{"a": "\xff"}', "not UTF-8 (byte 7)"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"\\u0000": 1}', "NUL"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udfff": "a"}', "surrogate"),
        (b"[" * 10_000 + b"]" * 10_000, "deeper"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "deeper"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "deeper"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=r".") as caught:
        parse_json(body)
    assert reason in caught.value.detail


def test_the_reason_does_not_quote_the_content() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_json(b'{"query": "my card is 4111" oops}')
    assert "4111" not in caught.value.detail


def test_ten_thousand_keys_are_read_without_trouble() -> None:
    body = json.dumps({str(n): n for n in range(10_000)}).encode()
    assert len(parse_json(body)) == 10_000


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=utf-8", 'application/json; charset="UTF-8"']
)
def test_json_in_utf8_is_read(content_type: str) -> None:
    require_json(Headers({"content-type": content_type}))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": "application/json", "content-encoding": "br"},
    ],
)
def test_other_types_and_compressed_bodies_are_not_read(headers: dict[str, str]) -> None:
    with pytest.raises(UnsupportedMediaType):
        require_json(Headers(headers))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("content-encoding", ["identity", "gzip"]),
        ("content-encoding", ["gzip", "identity"]),
        ("content-type", ["application/json", "text/plain"]),
        ("content-type", ["application/json", "application/json"]),
    ],
)
def test_a_second_header_says_as_much_as_the_first(name: str, values: list[str]) -> None:
    sent = {"content-type": ["application/json"]} | {name: values}
    raw = [(key.encode(), value.encode()) for key, each in sent.items() for value in each]
    with pytest.raises(UnsupportedMediaType):
        require_json(Headers(raw=raw))
