"""The ``Turns`` interface: start, stream, cancel, resume.

In process: orchestrator/turns.py; over HTTP: http_client.py with orchestrator/http_server.py. One conformance suite
(tests/integration/runtime/turns) passes on both.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from supportplane_runtime.domain.conversation import Message, Turn
from supportplane_runtime.turns.events import TurnEvent


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """A question as the gateway accepted it.

    turn_id comes from the client or is made by the gateway; the same id with the same question is the same turn.
    conversation_id None starts a conversation. ``history`` None means: read it from the store (the normal case);
    a tuple replaces it (evaluation, imports).
    """

    tenant: str
    turn_id: UUID
    user_id: str
    question: str
    key_id: str
    conversation_id: UUID | None = None
    context: dict[str, Any] = field(default_factory=dict)
    history: tuple[Message, ...] | None = None


class Turns(Protocol):
    async def start(self, request: TurnRequest) -> Turn:
        """Accept a turn (one short transaction) and begin to work on it; returns the accepted turn.

        Idempotent by turn id: a known turn is returned as it stands. Raises Conflict when the id is known with another
        question or user, NotFound when the conversation is not this tenant's and user's, StoreUnavailable.
        """
        ...

    def stream(self, tenant: str, turn_id: UUID, *, after: int = 0) -> AsyncIterator[TurnEvent]:
        """Events with sequence > after, live until Answered or Failed. For a turn that ended earlier: its terminal
        event (and its sources). Nothing for a turn that has ended when ``after`` is its last event or lies beyond.
        Raises NotFound. Closing the iterator does not cancel the turn.
        """
        ...

    async def cancel(self, tenant: str, turn_id: UUID) -> None:
        """Stop working on a turn; it ends CANCELLED with a Failed event. A finished turn is left as it is."""
        ...

    async def resume(self) -> int:
        """Take up turns that were accepted by a process that died: finish or fail each. Returns how many were taken."""
        ...
