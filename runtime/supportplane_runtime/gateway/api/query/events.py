"""Events of a turn as they travel: one payload per event, wrapped for SSE or for WebSocket, so both carry the same.

Pure. ``wire_event`` is the payload, ``sse_frame`` and ``socket_frame`` the envelopes. Called by query/.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from supportplane_runtime.domain.answer import Answer, Source
from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.errors import RuntimeFault
from supportplane_runtime.gateway.http.problems import fault_by_code, problem
from supportplane_runtime.turns.events import Failure, Final, Progress, Sources, Token, TurnEvent


@dataclass(frozen=True, slots=True)
class WireEvent:
    """sequence None: outside the turn's own count, so a client's place does not move."""

    name: str
    sequence: int | None
    data: dict[str, Any]


def source_data(source: Source) -> dict[str, Any]:
    return {
        "marker": source.marker,
        "title": source.title,
        "url": source.url,
        "quote": source.quote,
        "document_id": source.document_id,
        "chunk_id": source.chunk_id,
        "score": source.score,
    }


def reply_data(answer: Answer, *, turn_id: UUID, conversation_id: UUID) -> dict[str, Any]:
    """The reply to a query: the body of ``POST /api/v1/query`` and the data of ``final``."""
    return {
        "response": answer.response,
        "outcome": answer.outcome.value,
        "confidence": answer.confidence,
        "sources": [source_data(source) for source in answer.sources],
        "ticket_id": answer.ticket_id,
        "conversation_id": conversation_id,
        "turn_id": turn_id,
        "language": answer.language,
    }


def turn_data(turn: Turn) -> dict[str, Any]:
    reply = reply_data(turn.answer, turn_id=turn.turn_id, conversation_id=turn.conversation_id) if turn.answer else None
    return {
        "turn_id": turn.turn_id,
        "conversation_id": turn.conversation_id,
        "user_id": turn.user_id,
        "question": turn.question,
        "status": turn.status.value,
        "created_at": turn.created_at,
        "answer": reply,
        "failure": turn.failure,
    }


def failure_fault(event: Failure) -> RuntimeFault:
    return fault_by_code(event.code, event.detail, retryable=event.retryable)


def wire_event(event: TurnEvent) -> WireEvent:
    return WireEvent(event.name, event.sequence, _data(event))


def _data(event: TurnEvent) -> dict[str, Any]:
    match event:
        case Progress():
            return {"step": event.step, "detail": event.detail}
        case Token():
            return {"text": event.text}
        case Sources():
            return {"sources": [source_data(source) for source in event.sources]}
        case Final():
            return reply_data(event.answer, turn_id=event.turn_id, conversation_id=event.conversation_id)
        case Failure():
            return problem(failure_fault(event)) | {"turn_id": event.turn_id}


def accepted_event(turn: Turn) -> WireEvent:
    """Before anything of the turn itself: from here on the client can come back by the turn's id."""
    data = {"step": "accepted", "detail": "The question is stored."}
    return WireEvent("progress", 0, data | {"conversation_id": turn.conversation_id, "turn_id": turn.turn_id})


def reconnect_event(turn_id: UUID, after: int) -> WireEvent:
    """This process stops; the turn does not."""
    detail = "The server restarts. Connect again to the turn's stream; nothing is lost."
    return WireEvent("progress", None, {"step": "reconnect", "detail": detail, "turn_id": turn_id, "after": after})


def fault_event(fault: RuntimeFault, turn_id: UUID | None) -> WireEvent:
    """A stream that broke, as opposed to a turn that failed: the turn may go on."""
    return WireEvent("error", None, problem(fault) | {"turn_id": turn_id})


def sse_frame(turn: str, event: WireEvent) -> bytes:
    """One event of a text/event-stream. JSON has no raw line breaks, so the data is always one line."""
    place = b"" if event.sequence is None else f"id: {turn}:{event.sequence}\n".encode()
    return b"%bevent: %b\ndata: %b\n\n" % (place, event.name.encode(), orjson.dumps(event.data))


def socket_frame(turn_id: UUID | None, event: WireEvent) -> str:
    frame = {"type": event.name, "sequence": event.sequence or 0, "turn_id": turn_id, "data": event.data}
    return orjson.dumps(frame).decode()
