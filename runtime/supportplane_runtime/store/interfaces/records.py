"""Reading what was said, and the tickets that came of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from supportplane_runtime.domain.conversation import Ticket, Turn
from supportplane_runtime.store.pages import Page


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    conversation_id: UUID
    user_id: str
    created_at: datetime
    updated_at: datetime
    turns: int
    open_ticket_id: UUID | None


class Records(Protocol):
    """Reading what was said; user_id None means any user of the tenant.

    Listings are newest first by creation. A cursor that is not one of ours raises InvalidRequest.
    """

    async def conversations(
        self, tenant: str, *, user_id: str | None, after: str | None, limit: int
    ) -> Page[ConversationSummary]: ...

    async def conversation(self, tenant: str, conversation_id: UUID, *, user_id: str | None) -> ConversationSummary: ...

    async def turns(self, tenant: str, conversation_id: UUID, *, user_id: str | None, limit: int) -> list[Turn]:
        """The last ``limit`` turns, oldest first. Raises NotFound."""
        ...

    async def tickets(self, tenant: str, *, user_id: str | None, after: str | None, limit: int) -> Page[Ticket]: ...

    async def ticket(self, tenant: str, ticket_id: UUID, *, user_id: str | None) -> Ticket: ...

    async def close_ticket(self, tenant: str, ticket_id: UUID) -> Ticket:
        """Close; a closed ticket is returned as it is. The conversation's next ticket is a new one."""
        ...
