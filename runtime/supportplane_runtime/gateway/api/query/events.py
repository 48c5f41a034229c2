"""Events of a turn as they travel: one payload per event, wrapped for SSE or for WebSocket, so both carry the same.

Pure. ``wire_event`` is the payload, ``sse_frame`` and ``socket_frame`` the envelopes. Called by the files beside it.
"""

from dataclasses import dataclass
from uuid import UUID

import orjson

from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.errors import RuntimeFault, TurnFailed, fault_of
from supportplane_runtime.gateway.api.query.schemas import QueryReply, SourceReply
from supportplane_runtime.gateway.http.problems import problem
from supportplane_runtime.turns.events import Answered, Failed, Progress, Sources, Token, TurnEvent

RETRY_AFTER_S = 2  # of a turn that failed and may be asked again; a guess


@dataclass(frozen=True, slots=True)
class WireEvent:
    """sequence None: outside the turn's own count, so a client's place does not move."""

    name: str
    sequence: int | None
    data: object  # a reply, or a dictionary; written as JSON


def failure_fault(event: Failed) -> RuntimeFault:
    """An unknown code is a failed turn with that code."""
    retry_after_s = RETRY_AFTER_S if event.retryable else None
    return fault_of(event.code, event.detail, retry_after_s=retry_after_s, title=TurnFailed.title)


def wire_event(event: TurnEvent) -> WireEvent:
    return WireEvent(event.name, event.sequence, _data(event))


def _data(event: TurnEvent) -> object:
    match event:
        case Progress():
            return {"step": event.step, "detail": event.detail}
        case Token():
            return {"text": event.text}
        case Sources():
            return {"sources": [SourceReply.of(source) for source in event.sources]}
        case Answered():
            return QueryReply.of(event.answer, turn_id=event.turn_id, conversation_id=event.conversation_id)
        case Failed():
            return problem(failure_fault(event), turn_id=event.turn_id)


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
    return WireEvent("error", None, problem(fault, turn_id=turn_id))


def sse_frame(turn: str, event: WireEvent) -> bytes:
    """One event of a text/event-stream. JSON has no raw line breaks, so the data is always one line."""
    place = b"" if event.sequence is None else f"id: {turn}:{event.sequence}\n".encode()
    return b"%bevent: %b\ndata: %b\n\n" % (place, event.name.encode(), orjson.dumps(event.data))


def socket_frame(turn_id: UUID | None, event: WireEvent) -> str:
    frame = {"type": event.name, "sequence": event.sequence or 0, "turn_id": turn_id, "data": event.data}
    return orjson.dumps(frame).decode()
