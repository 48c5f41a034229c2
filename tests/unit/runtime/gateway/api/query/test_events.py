from typing import Any
from uuid import UUID

import orjson
import pytest

from supportplane_runtime.domain.answer import Answer, Outcome, Source
from supportplane_runtime.domain.conversation import Turn, TurnStatus
from supportplane_runtime.errors import StoreUnavailable
from supportplane_runtime.gateway.api.query.events import (
    accepted_event,
    failure_fault,
    fault_event,
    reconnect_event,
    socket_frame,
    sse_frame,
    wire_event,
)
from supportplane_runtime.turns.events import Answered, Failed, Progress, Sources, Token, TurnEvent

TURN_ID = UUID("5b0f6f0a-8c39-4a8e-bf57-f1b0d2c3a7de")
CONVERSATION_ID = UUID("0f4cbe8e-2f6b-4f53-9a35-5f3d3a2f6c11")
SOURCE = Source(1, "d", "c", "Title", "https://docs.example", "Quote\nof two lines", 0.5, ("Rotate",))
SOURCE_DATA = {
    "marker": 1,
    "title": "Title",
    "headings": ["Rotate"],
    "url": "https://docs.example",
    "quote": "Quote\nof two lines",
    "document_id": "d",
    "chunk_id": "c",
    "score": 0.5,
}
REPLY = {
    "response": "Yes [1].",
    "outcome": "answered",
    "confidence": 0.7,
    "sources": [SOURCE_DATA],
    "ticket_id": None,
    "conversation_id": str(CONVERSATION_ID),
    "turn_id": str(TURN_ID),
    "language": "en",
}
ANSWER = Answer("Yes [1].", Outcome.ANSWERED, 0.7, (SOURCE,))
PROBLEM = {
    "type": "https://supportplane.io/problems/model-unavailable",
    "title": "Temporarily unavailable",
    "status": 503,
    "detail": "Why.",
    "code": "model-unavailable",
    "turn_id": str(TURN_ID),
}

EVENTS: list[tuple[TurnEvent, str, dict[str, Any]]] = [
    (Progress(1, "retrieve", "Looking."), "progress", {"step": "retrieve", "detail": "Looking."}),
    (Token(2, "a\r\n\nb\u2028"), "token", {"text": "a\r\n\nb\u2028"}),
    (Sources(3, (SOURCE,)), "sources", {"sources": [SOURCE_DATA]}),
    (Answered(4, TURN_ID, CONVERSATION_ID, ANSWER), "final", REPLY),
    (Failed(5, TURN_ID, "model-unavailable", "Why.", retryable=True), "error", PROBLEM),
]


@pytest.mark.parametrize(("event", "name", "data"), EVENTS, ids=[name for _, name, _ in EVENTS])
def test_both_transports_carry_the_same_name_place_and_data(event: TurnEvent, name: str, data: dict[str, Any]) -> None:
    wire = wire_event(event)
    lines = sse_frame(str(TURN_ID), wire).decode().split("\n")
    assert lines[:2] == [f"id: {TURN_ID}:{event.sequence}", f"event: {name}"]
    assert lines[3:] == ["", ""], "the data is one line, whatever the text holds"
    assert orjson.loads(lines[2].removeprefix("data: ")) == data
    assert orjson.loads(socket_frame(TURN_ID, wire)) == {
        "type": name,
        "sequence": event.sequence,
        "turn_id": str(TURN_ID),
        "data": data,
    }


def test_the_first_event_names_turn_and_conversation() -> None:
    turn = Turn("acme", TURN_ID, CONVERSATION_ID, "u", "Hi?", {}, TurnStatus.ACCEPTED)
    frame = sse_frame(str(TURN_ID), accepted_event(turn)).decode()
    assert frame.startswith(f"id: {TURN_ID}:0\nevent: progress\n")
    assert orjson.loads(frame.partition("data: ")[2]) == {
        "step": "accepted",
        "detail": "The question is stored.",
        "conversation_id": str(CONVERSATION_ID),
        "turn_id": str(TURN_ID),
    }


def test_an_unknown_failure_code_is_kept() -> None:
    fault = failure_fault(Failed(1, TURN_ID, "a-code-of-tomorrow", "Why.", retryable=True))
    assert (fault.code, fault.status_code, fault.retry_after_s) == ("a-code-of-tomorrow", 500, 2)
    assert fault.title == "The turn failed"


def test_hints_and_breaks_do_not_move_the_clients_place() -> None:
    fault = StoreUnavailable("Away.")
    for event in (reconnect_event(TURN_ID, 7), fault_event(fault, TURN_ID)):
        assert b"id: " not in sse_frame(str(TURN_ID), event)
