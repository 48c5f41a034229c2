"""What is documented of conversations."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from supportplane_runtime.gateway.api.query.schemas import TurnReply


class ConversationReply(BaseModel):
    conversation_id: UUID
    user_id: str
    created_at: datetime
    updated_at: datetime
    turns: int = Field(description="how many questions were asked")
    open_ticket_id: UUID | None


class ConversationPage(BaseModel):
    items: list[ConversationReply] = Field(description="newest first")
    after: str | None = Field(description="cursor of the next page, null at the end")


class ConversationWithTurns(BaseModel):
    conversation: ConversationReply
    turns: list[TurnReply] = Field(description="the last 100, oldest first")
