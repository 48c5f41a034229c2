"""Conversations, messages, turns, tickets and feedback as values. The store persists them, the graph reads them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from supportplane_runtime.domain.answer import Answer, Outcome


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """outcome: of the turn that a reply ended; None for a question, and where whoever gives the history knows none."""

    role: Role
    content: str
    turn_id: UUID | None = None
    created_at: datetime | None = None
    outcome: Outcome | None = None


class TurnStatus(StrEnum):
    ACCEPTED = "accepted"  # the question is stored; the answer is being made, or was being made when a process died
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and, once finished, its answer. ``failure`` is a stable code from errors.py, set when FAILED."""

    tenant: str
    turn_id: UUID
    conversation_id: UUID
    user_id: str
    question: str
    context: dict[str, Any]
    status: TurnStatus
    answer: Answer | None = None
    failure: str | None = None
    attempt: int = 1
    created_at: datetime | None = None
    key_id: str = ""  # of the caller who asked


class TicketStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class TicketReason(StrEnum):
    CUSTOMER_REQUEST = "CustomerRequest"  # the customer asked for a person
    MISSING_KNOWLEDGE = "MissingKnowledge"  # in scope, but the evidence does not answer it
    LOW_CONFIDENCE = "LowConfidence"  # below handoff.confidenceBelow
    HANDOFF_ONLY = "HandoffOnly"  # spec.mode HandoffOnly: every question goes to people


@dataclass(frozen=True, slots=True)
class Ticket:
    tenant: str
    ticket_id: UUID
    conversation_id: UUID
    user_id: str
    status: TicketStatus
    reason: TicketReason
    subject: str
    queue: str | None = None
    created_at: datetime | None = None
    turn_ids: tuple[UUID, ...] = field(default=())


class Rating(StrEnum):
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Feedback:
    tenant: str
    turn_id: UUID
    user_id: str
    rating: Rating
    comment: str | None = None
