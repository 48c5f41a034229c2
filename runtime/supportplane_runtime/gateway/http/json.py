"""JSON of requests and replies. What RFC 8259 leaves open (duplicate keys, NaN, depth, huge numbers) is refused.

``parse_json`` turns bytes into plain values or raises InvalidRequest with a reason. Text that PostgreSQL cannot hold
(NUL, lone surrogates) stops here and not in a transaction. Called by routes.py for bodies and by api/query/socket.py.

``json_reply`` writes a reply. A reply is a dataclass of its subject's schemas.py: orjson writes the fields in their
order, and OpenAPI documents them. A reply is not validated, because typed code built it, and its class is not frozen:
a reply with three sources takes 17 us to build and write so, 46 us frozen, 59 us as a pydantic model (2-core machine,
2026-11).
"""

import json
import math
from typing import Any, NoReturn

import orjson
from fastapi import Response
from starlette.datastructures import Headers

from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.gateway.errors import UnsupportedMediaType

MAX_DEPTH = 32  # orjson refuses to write more than 254 levels; no sensible context has more than a few
MAX_INTEGER = 2**63 - 1  # what jsonb's consumers and orjson can hold


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        duplicate = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InvalidRequest(f"The key {duplicate[:100]!a} appears twice in one object.")
    return result


def _constant(name: str) -> NoReturn:
    raise InvalidRequest(f"{name} is not JSON.")


def _integer(digits: str) -> int:
    # Twenty characters hold every 64-bit integer; longer ones are refused before Python spends time on them.
    if len(digits) > 20 or abs(value := int(digits)) > MAX_INTEGER:
        raise InvalidRequest("A whole number is larger than 64 bits.")
    return value


def _decimal(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise InvalidRequest("A number is too large.")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_decimal
)


def is_storable(text: str) -> bool:
    """Without NUL and lone surrogates, neither of which PostgreSQL's text can hold."""
    if text.isascii():
        return "\x00" not in text
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _check(value: Any) -> None:
    """Walk the value without recursion: depth and text."""
    pending: list[tuple[Any, int]] = [(value, 1)]
    while pending:
        item, depth = pending.pop()
        if isinstance(item, str):
            if not is_storable(item):
                raise InvalidRequest("Text holds a NUL character or half of a surrogate pair.")
        elif isinstance(item, dict | list):
            if depth > MAX_DEPTH:
                raise InvalidRequest(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
            children = (*item.keys(), *item.values()) if isinstance(item, dict) else item
            pending.extend((child, depth + 1) for child in children)


def parse_json(data: bytes | str) -> Any:
    """Raises InvalidRequest with what is wrong and where, never with the content."""
    try:
        text = data if isinstance(data, str) else data.decode()
        value = _DECODER.decode(text)
    except UnicodeDecodeError as exc:
        raise InvalidRequest(f"The body is not UTF-8 (byte {exc.start}).") from exc
    except json.JSONDecodeError as exc:
        raise InvalidRequest(f"The body is not JSON: {exc.msg} at line {exc.lineno} column {exc.colno}.") from exc
    except RecursionError as exc:
        raise InvalidRequest(f"The JSON is nested deeper than {MAX_DEPTH} levels.") from exc
    _check(value)
    return value


def require_json(headers: Headers) -> None:
    """Raises UnsupportedMediaType. A missing type is refused too: browsers send ``text/plain`` without a preflight."""
    encodings = {value.strip().lower() for value in headers.getlist("content-encoding")}
    if not encodings <= {"", "identity"}:
        raise UnsupportedMediaType("Compressed bodies are not read. Send it without Content-Encoding.")
    types = headers.getlist("content-type")
    media_type, _, parameters = (types[0] if len(types) == 1 else "").partition(";")
    charset = parameters.lower().replace(" ", "").replace('"', "")
    if media_type.strip().lower() != "application/json" or charset not in {"", "charset=utf-8"}:
        raise UnsupportedMediaType("Send the body as UTF-8 with Content-Type: application/json.")


def json_reply(reply: object, *, status: int = 200) -> Response:
    return Response(orjson.dumps(reply), status_code=status, media_type="application/json")
