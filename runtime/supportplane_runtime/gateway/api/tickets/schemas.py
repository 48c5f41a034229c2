"""What is documented of tickets."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from supportplane_runtime.domain.conversation import TicketReason, TicketStatus


class TicketReply(BaseModel):
    ticket_id: UUID
    conversation_id: UUID
    user_id: str
    status: TicketStatus
    reason: TicketReason
    subject: str
    queue: str | None
    created_at: datetime | None
    turn_ids: list[UUID] = Field(description="the turns that people should look at, oldest first")


class TicketPage(BaseModel):
    items: list[TicketReply] = Field(description="newest first")
    after: str | None = Field(description="cursor of the next page, null at the end")
