"""The replies about tickets, each declared once for its JSON and its documentation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from supportplane_runtime.domain.conversation import Ticket, TicketReason, TicketStatus


@dataclass(slots=True)
class TicketReply:
    ticket_id: UUID
    conversation_id: UUID
    user_id: str
    status: TicketStatus
    reason: TicketReason
    subject: str
    queue: str | None
    created_at: datetime | None
    turn_ids: Annotated[list[UUID], Field(description="the turns that people should look at, oldest first")]

    @classmethod
    def of(cls, ticket: Ticket) -> Self:
        return cls(
            ticket_id=ticket.ticket_id,
            conversation_id=ticket.conversation_id,
            user_id=ticket.user_id,
            status=ticket.status,
            reason=ticket.reason,
            subject=ticket.subject,
            queue=ticket.queue,
            created_at=ticket.created_at,
            turn_ids=list(ticket.turn_ids),
        )


@dataclass(slots=True)
class TicketPage:
    items: Annotated[list[TicketReply], Field(description="newest first")]
    after: Annotated[str | None, Field(description="cursor of the next page, null at the end")]
