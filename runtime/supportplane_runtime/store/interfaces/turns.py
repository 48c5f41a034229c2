"""Turns with their two transactions: a question is accepted, an answer finishes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import Message, Turn
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.turns.interfaces import TurnRequest


@dataclass(frozen=True, slots=True)
class Accepted:
    """A turn with what was said before it, oldest first.

    ``created`` tells whose work it is: True means the caller works on the turn now; False means it was known already,
    and someone else works on it, or it has ended (see ``turn.status``).
    """

    turn: Turn
    created: bool
    history: tuple[Message, ...]


class Turnbook(Protocol):
    """Turns with their two transactions.

    Turns of a conversation are numbered as they are accepted. A second question may come while the first is being
    answered: both run, the history of the second simply lacks the answer that was not there yet, and whoever reads
    the conversation later sees question, answer, question, answer (ADR 0007).
    """

    async def accept(
        self, request: TurnRequest, *, lease_owner: str, history_limit: int, agent: str | None = None
    ) -> Accepted:
        """Insert tenant, user, conversation as needed, the turn and the user's message; idempotent by turn id.

        history_limit counts messages (two a turn). agent: who answers it, None means any of the
        tenant's. Raises NotFound when request.conversation_id is not this tenant's
        and user's, Conflict when the turn id is known with another question, user or conversation.
        """
        ...

    async def finish(self, turn: Turn, ending: Ending, *, revision: str | None = None) -> Answer:
        """Store the answer with all its effects and write audit, in one transaction; once per turn.

        revision: of the agent that answered, None where agents have none (a laptop).
        Returns the answer as stored, with the ticket_id that an effect gave it; if the turn was finished already, the
        answer that stands.
        Raises TurnFailed when it ended as failed or cancelled, NotFound when it was never accepted.
        """
        ...

    async def fail(self, turn: Turn, code: str) -> Turn:
        """End a turn without an answer. Returns the turn as it stands: an ended one, and one that a later attempt has
        taken over (``turn.attempt`` is older), are left as they are. Raises NotFound.
        """
        ...

    async def cancel(self, tenant: str, turn_id: UUID) -> Turn:
        """End a running turn as cancelled. Returns the turn as it stands. Raises NotFound."""
        ...

    async def renew(self, tenant: str, turn_ids: Sequence[UUID], lease_owner: str) -> frozenset[UUID]:
        """Heartbeat for running turns; returns those still ours: stop working on the others."""
        ...

    async def claim_abandoned(
        self,
        lease_owner: str,
        *,
        limit: int,
        history_limit: int = 40,
        tenant: str | None = None,
        agent: str | None = None,
    ) -> list[Accepted]:
        """Accepted turns whose lease ran out, now leased to this owner with attempt + 1.

        tenant: whose turns this worker can answer; None means everyone's. agent: the same, of the tenant's agents;
        turns of no agent are everyone's.
        """
        ...

    async def turn(self, tenant: str, turn_id: UUID) -> Turn:
        """Raises NotFound."""
        ...
