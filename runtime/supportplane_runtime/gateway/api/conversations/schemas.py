"""The replies about conversations, each declared once for its JSON and its documentation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from supportplane_runtime.gateway.api.query.schemas import TurnReply
from supportplane_runtime.store.interfaces.records import ConversationSummary


@dataclass(slots=True)
class ConversationReply:
    conversation_id: UUID
    user_id: str
    created_at: datetime
    updated_at: datetime
    turns: Annotated[int, Field(description="how many questions were asked")]
    open_ticket_id: UUID | None

    @classmethod
    def of(cls, summary: ConversationSummary) -> Self:
        return cls(
            conversation_id=summary.conversation_id,
            user_id=summary.user_id,
            created_at=summary.created_at,
            updated_at=summary.updated_at,
            turns=summary.turns,
            open_ticket_id=summary.open_ticket_id,
        )


@dataclass(slots=True)
class ConversationPage:
    items: Annotated[list[ConversationReply], Field(description="newest first")]
    after: Annotated[str | None, Field(description="cursor of the next page, null at the end")]


@dataclass(slots=True)
class ConversationWithTurns:
    conversation: ConversationReply
    turns: Annotated[list[TurnReply], Field(description="the last 100, oldest first")]
