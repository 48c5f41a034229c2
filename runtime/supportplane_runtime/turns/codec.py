"""Requests, turns, events and faults as JSON, for the HTTP implementation of ``Turns``. Pure; both sides use it.

A stream is lines of JSON, each an object with one name: ``turn`` (the first line of a started turn), ``event``, or
``fault`` (the stream ends early). An empty line is a sign of life.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.errors import InvalidRequest, RuntimeFault, fault_of
from supportplane_runtime.turns.events import Answered, Failed, Progress, Sources, Token, TurnEvent
from supportplane_runtime.turns.interfaces import TurnRequest

BEAT = b"\n"
EVENTS: dict[str, type[TurnEvent]] = {
    "progress": Progress,
    "token": Token,
    "sources": Sources,
    "final": Answered,
    "error": Failed,
}
_REQUEST = TypeAdapter(TurnRequest)
_TURN = TypeAdapter(Turn)
_EVENT_ADAPTERS: dict[str, TypeAdapter[TurnEvent]] = {name: TypeAdapter(kind) for name, kind in EVENTS.items()}
Line = Turn | TurnEvent | RuntimeFault


def request_body(request: TurnRequest) -> bytes:
    """Raises InvalidRequest for text that is not text (half a surrogate)."""
    return _dump(request)


def parse_request(body: bytes) -> TurnRequest:
    """Raises InvalidRequest."""
    try:
        return _REQUEST.validate_json(body)
    except ValidationError as error:
        raise InvalidRequest(f"The request is not a turn: {error.error_count()} fields are wrong.") from error


def turn_line(turn: Turn) -> bytes:
    return _dump({"turn": turn}) + b"\n"


def event_line(event: TurnEvent) -> bytes:
    return _dump({"event": event}) + b"\n"


def fault_line(fault: RuntimeFault) -> bytes:
    return fault_body(fault) + b"\n"


def fault_body(fault: RuntimeFault) -> bytes:
    facts = {"code": fault.code, "detail": fault.detail, "retry_after_s": fault.retry_after_s}
    return _dump({"fault": facts | {"status_code": fault.status_code, "retryable": fault.retryable}})


def parse_line(line: bytes) -> Line | None:
    """None for a sign of life. Raises ValueError for anything that is not a line of ours."""
    if not line.strip():
        return None
    match orjson.loads(line):
        case {"turn": turn}:
            return _TURN.validate_python(turn)
        case {"event": {"name": str(name), **rest}} if name in EVENTS:
            return _EVENT_ADAPTERS[name].validate_python(rest)
        case {"fault": {"code": str(code), **rest}}:
            return _fault(code, rest)
    raise ValueError("The line is neither a turn, an event nor a fault.")


def _fault(code: str, facts: Mapping[Any, Any]) -> RuntimeFault:
    """A code from another release keeps what it says."""
    return fault_of(
        code,
        str(facts.get("detail", "")),
        retry_after_s=facts.get("retry_after_s"),
        retryable=bool(facts.get("retryable", False)),
        status_code=int(facts.get("status_code", RuntimeFault.status_code)),
    )


def _dump(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise InvalidRequest("The text holds characters that cannot be sent (half a surrogate).") from error
