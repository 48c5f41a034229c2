"""Records on PostgreSQL: reading conversations, turns and tickets, closing tickets."""

from collections.abc import Callable, Sequence
from typing import Any, LiteralString, TypeVar
from uuid import UUID

from supportplane_runtime.domain.conversation import Ticket, Turn
from supportplane_runtime.errors import NotFound
from supportplane_runtime.store.interfaces.records import ConversationSummary
from supportplane_runtime.store.pages import Page, Position, decode_cursor, encode_cursor
from supportplane_runtime.store.postgres.database import Database, Params
from supportplane_runtime.store.postgres.rows import TICKET, TURN, ticket_from, turn_from

SUMMARY: LiteralString = """
SELECT c.conversation_id, c.user_id, c.created_at, c.updated_at, c.turns, k.ticket_id
FROM conversations c
LEFT JOIN tickets k ON k.tenant = c.tenant AND k.conversation_id = c.conversation_id AND k.status = 'open'
"""
THEIRS: LiteralString = "(%(user_id)s::text IS NULL OR c.user_id = %(user_id)s)"

ONE_CONVERSATION: LiteralString = (
    f"{SUMMARY} WHERE c.tenant = %(tenant)s AND c.conversation_id = %(conversation_id)s AND {THEIRS}"
)

# One more than the page holds tells whether there is a next one.
CONVERSATIONS: LiteralString = f"""
{SUMMARY} WHERE c.tenant = %(tenant)s AND {THEIRS}
    AND (%(created_at)s::timestamptz IS NULL OR (c.created_at, c.conversation_id) < (%(created_at)s, %(item_id)s::uuid))
ORDER BY c.created_at DESC, c.conversation_id DESC LIMIT %(limit)s + 1
"""

TURNS: LiteralString = f"""
{TURN} WHERE t.tenant = %(tenant)s AND t.conversation_id = %(conversation_id)s AND {THEIRS}
ORDER BY t.number DESC LIMIT %(limit)s
"""

ONE_TICKET: LiteralString = f"{TICKET} WHERE k.tenant = %(tenant)s AND k.ticket_id = %(ticket_id)s AND {THEIRS}"

TICKETS: LiteralString = f"""
{TICKET} WHERE k.tenant = %(tenant)s AND {THEIRS}
    AND (%(created_at)s::timestamptz IS NULL OR (k.created_at, k.ticket_id) < (%(created_at)s, %(item_id)s::uuid))
ORDER BY k.created_at DESC, k.ticket_id DESC LIMIT %(limit)s + 1
"""

CLOSE_TICKET: LiteralString = """
UPDATE tickets SET status = 'closed', closed_at = now(), updated_at = now()
WHERE tenant = %(tenant)s AND ticket_id = %(ticket_id)s AND status = 'open'
"""

ItemT = TypeVar("ItemT")


class PostgresRecords:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def conversations(
        self, tenant: str, *, user_id: str | None, after: str | None, limit: int
    ) -> Page[ConversationSummary]:
        rows = await self._database.run_again_safe(CONVERSATIONS, _listing_params(tenant, user_id, after, limit))
        return _page(rows, limit, _summary, lambda item: Position(item.created_at, item.conversation_id))

    async def conversation(self, tenant: str, conversation_id: UUID, *, user_id: str | None) -> ConversationSummary:
        rows = await self._database.run_again_safe(
            ONE_CONVERSATION, {"tenant": tenant, "conversation_id": conversation_id, "user_id": user_id}
        )
        if not rows:
            raise NotFound(f"There is no conversation {conversation_id}.")
        return _summary(rows[0])

    async def turns(self, tenant: str, conversation_id: UUID, *, user_id: str | None, limit: int) -> list[Turn]:
        rows = await self._database.run_again_safe(
            TURNS, {"tenant": tenant, "conversation_id": conversation_id, "user_id": user_id, "limit": limit}
        )
        if not rows:  # a conversation begins with a turn, so none means it is not theirs
            raise NotFound(f"There is no conversation {conversation_id}.")
        return [turn_from(row) for row in reversed(rows)]

    async def tickets(self, tenant: str, *, user_id: str | None, after: str | None, limit: int) -> Page[Ticket]:
        rows = await self._database.run_again_safe(TICKETS, _listing_params(tenant, user_id, after, limit))
        return _page(rows, limit, ticket_from, _ticket_position)

    async def ticket(self, tenant: str, ticket_id: UUID, *, user_id: str | None) -> Ticket:
        rows = await self._database.run_again_safe(
            ONE_TICKET, {"tenant": tenant, "ticket_id": ticket_id, "user_id": user_id}
        )
        if not rows:
            raise NotFound(f"There is no ticket {ticket_id}.")
        return ticket_from(rows[0])

    async def close_ticket(self, tenant: str, ticket_id: UUID) -> Ticket:
        await self._database.run_again_safe(CLOSE_TICKET, {"tenant": tenant, "ticket_id": ticket_id})
        return await self.ticket(tenant, ticket_id, user_id=None)


def _listing_params(tenant: str, user_id: str | None, after: str | None, limit: int) -> Params:
    created_at, item_id = decode_cursor(after) if after else (None, None)
    return {"tenant": tenant, "user_id": user_id, "created_at": created_at, "item_id": item_id, "limit": limit}


def _page(
    rows: Sequence[Sequence[Any]],
    limit: int,
    item_from: Callable[[Sequence[Any]], ItemT],
    position_of: Callable[[ItemT], Position],
) -> Page[ItemT]:
    items = tuple(item_from(row) for row in rows[:limit])
    return Page(items, encode_cursor(position_of(items[-1])) if len(rows) > limit else None)


def _summary(row: Sequence[Any]) -> ConversationSummary:
    return ConversationSummary(
        conversation_id=row[0],
        user_id=row[1],
        created_at=row[2],
        updated_at=row[3],
        turns=row[4],
        open_ticket_id=row[5],
    )


def _ticket_position(ticket: Ticket) -> Position:
    assert ticket.created_at is not None  # noqa: S101  # every stored one has it; the type serves new values too
    return Position(ticket.created_at, ticket.ticket_id)
