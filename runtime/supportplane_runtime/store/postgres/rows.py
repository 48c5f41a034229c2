"""Rows to domain values and back. Pure; the column order is that of the statements beside it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from supportplane_runtime.domain.answer import Answer, Outcome, Source
from supportplane_runtime.domain.conversation import (
    Message,
    Role,
    Ticket,
    TicketReason,
    TicketStatus,
    Turn,
    TurnStatus,
)

# A turn with everything that belongs to it. t.tenant stands in every join.
TURN_COLUMNS: LiteralString = """
t.tenant, t.turn_id, t.conversation_id, c.user_id, q.content, t.context, t.status, t.failure, t.attempt,
    t.created_at, t.answer, a.content, tt.ticket_id, t.key_id
"""
TURN_TABLES: LiteralString = """
FROM turns t
JOIN conversations c ON c.tenant = t.tenant AND c.conversation_id = t.conversation_id
JOIN messages q ON q.tenant = t.tenant AND q.conversation_id = t.conversation_id AND q.number = t.number
    AND q.role = 'user'
LEFT JOIN messages a ON a.tenant = t.tenant AND a.conversation_id = t.conversation_id AND a.number = t.number
    AND a.role = 'assistant'
LEFT JOIN ticket_turns tt ON tt.tenant = t.tenant AND tt.turn_id = t.turn_id
"""
TURN: LiteralString = f"SELECT {TURN_COLUMNS} {TURN_TABLES}"  # callers add WHERE

TICKET: LiteralString = """
SELECT k.tenant, k.ticket_id, k.conversation_id, c.user_id, k.status, k.reason, k.subject, k.queue, k.created_at,
    ARRAY(
        SELECT tt.turn_id FROM ticket_turns tt WHERE tt.tenant = k.tenant AND tt.ticket_id = k.ticket_id
        ORDER BY tt.created_at, tt.turn_id
    )
FROM tickets k
JOIN conversations c ON c.tenant = k.tenant AND c.conversation_id = k.conversation_id
"""


def turn_from(row: Sequence[Any]) -> Turn:
    answer, response, ticket_id = row[10:13]
    return Turn(
        tenant=row[0],
        turn_id=row[1],
        conversation_id=row[2],
        user_id=row[3],
        question=row[4],
        context=row[5],
        status=TurnStatus(row[6]),
        failure=row[7],
        attempt=row[8],
        created_at=row[9],
        key_id=row[13],
        answer=answer_from(answer, response, ticket_id) if answer is not None else None,
    )


def answer_from(document: dict[str, Any], response: str, ticket_id: UUID | None) -> Answer:
    return Answer(
        response=response,
        outcome=Outcome(document["outcome"]),
        confidence=document["confidence"],
        sources=tuple(_source_from(source) for source in document["sources"]),
        ticket_id=ticket_id,
        language=document["language"],
        model_share=document["model_share"],
    )


def _source_from(source: dict[str, Any]) -> Source:
    """Answers of earlier releases name no headings."""
    return Source(**{**source, "headings": tuple(source.get("headings", ()))})


def answer_document(answer: Answer) -> Jsonb:
    """What of an answer has no column of its own; the response stands in messages, the ticket in ticket_turns."""
    return Jsonb(
        {
            "outcome": answer.outcome,
            "confidence": answer.confidence,
            "sources": answer.sources,  # orjson writes dataclasses
            "language": answer.language,
            "model_share": answer.model_share,
        }
    )


def ticket_from(row: Sequence[Any]) -> Ticket:
    return Ticket(
        tenant=row[0],
        ticket_id=row[1],
        conversation_id=row[2],
        user_id=row[3],
        status=TicketStatus(row[4]),
        reason=TicketReason(row[5]),
        subject=row[6],
        queue=row[7],
        created_at=row[8],
        turn_ids=tuple(row[9]),
    )


def messages_from(documents: Sequence[Sequence[Any]]) -> tuple[Message, ...]:
    """Messages as the statements aggregate them: newest first, [role, content, turn_id, created_at, outcome] each."""
    return tuple(
        Message(
            Role(role),
            content,
            UUID(turn_id),
            datetime.fromisoformat(created_at),
            Outcome(outcome) if outcome is not None else None,
        )
        for role, content, turn_id, created_at, outcome in reversed(documents)
    )
