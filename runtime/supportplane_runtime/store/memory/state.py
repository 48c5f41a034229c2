"""The rows that several parts of a memory store share, with the look-ups that several of them need.

Rows of one part alone are its own, and rows that an effect writes are found by their type: neither a further part of
the store nor a further kind of effect changes anything here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from supportplane_runtime.domain.conversation import Feedback, Ticket, TicketStatus, Turn
from supportplane_runtime.errors import NotFound
from supportplane_runtime.store.interfaces.audit import AuditEntry
from supportplane_runtime.store.interfaces.keys import ApiKey
from supportplane_runtime.store.pages import Position, decode_cursor, encode_cursor

Clock = Callable[[], datetime]
RowId = tuple[str, UUID]  # (tenant, id): no id is ever looked up without its tenant
Row = TypeVar("Row")


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class TurnRow:
    turn: Turn
    number: int
    key_id: str
    lease_owner: str
    lease_until: datetime
    agent: str | None = None
    revision: str | None = None
    ended_at: datetime | None = None


@dataclass(slots=True)
class ConversationRow:
    tenant: str
    conversation_id: UUID
    user_id: str
    created_at: datetime
    updated_at: datetime
    numbers: int = 0


@dataclass(slots=True)
class State:
    clock: Clock
    conversations: dict[RowId, ConversationRow] = field(default_factory=dict)
    turns: dict[RowId, TurnRow] = field(default_factory=dict)
    feedback: dict[tuple[str, UUID, str], tuple[Feedback, datetime]] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[ApiKey, bytes]] = field(default_factory=dict)
    audit: list[tuple[datetime, AuditEntry]] = field(default_factory=list)
    written: dict[type[Any], dict[RowId, Any]] = field(default_factory=dict)

    def rows(self, of: type[Row]) -> dict[RowId, Row]:
        """What effects wrote, by the type of the row."""
        return self.written.setdefault(of, {})

    def turn_row(self, tenant: str, turn_id: UUID) -> TurnRow:
        row = self.turns.get((tenant, turn_id))
        if row is None:
            raise NotFound(f"There is no turn {turn_id}.")
        return row

    def conversation_row(self, tenant: str, conversation_id: UUID, user_id: str | None) -> ConversationRow:
        row = self.conversations.get((tenant, conversation_id))
        if row is None or user_id not in (None, row.user_id):
            raise NotFound(f"There is no conversation {conversation_id}.")
        return row

    def conversation_turns(self, tenant: str, conversation_id: UUID) -> list[TurnRow]:
        rows = [
            row
            for (owner, _), row in self.turns.items()
            if owner == tenant and row.turn.conversation_id == conversation_id
        ]
        return sorted(rows, key=lambda row: row.number)

    def open_ticket(self, tenant: str, conversation_id: UUID) -> Ticket | None:
        return next(
            (
                ticket
                for ticket in self.rows(Ticket).values()
                if (ticket.tenant, ticket.conversation_id) == (tenant, conversation_id)
                and ticket.status is TicketStatus.OPEN
            ),
            None,
        )


def page_of(
    positions: list[Position], after: str | None, limit: int, *, listing: str = ""
) -> tuple[list[Position], str | None]:
    start = decode_cursor(after, listing=listing) if after else None
    rest = sorted((position for position in positions if start is None or position < start), reverse=True)
    page = rest[:limit]
    return page, encode_cursor(page[-1], listing=listing) if len(rest) > limit else None
