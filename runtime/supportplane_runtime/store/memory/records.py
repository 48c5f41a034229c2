"""Records in memory: conversations, turns and tickets, read; tickets closed."""

from dataclasses import replace
from uuid import UUID

from supportplane_runtime.domain.conversation import Ticket, TicketStatus, Turn
from supportplane_runtime.errors import NotFound
from supportplane_runtime.store.interfaces.records import ConversationSummary
from supportplane_runtime.store.memory.state import ConversationRow, State, page_of
from supportplane_runtime.store.pages import Page, Position


class MemoryRecords:
    def __init__(self, state: State) -> None:
        self._state = state

    async def conversations(
        self, tenant: str, *, user_id: str | None, after: str | None, limit: int
    ) -> Page[ConversationSummary]:
        rows = {
            Position(row.created_at, row.conversation_id): row
            for row in self._state.conversations.values()
            if row.tenant == tenant and user_id in (None, row.user_id)
        }
        positions, cursor = page_of(list(rows), after, limit)
        return Page(tuple(self._summary(rows[position]) for position in positions), cursor)

    async def conversation(self, tenant: str, conversation_id: UUID, *, user_id: str | None) -> ConversationSummary:
        return self._summary(self._state.conversation_row(tenant, conversation_id, user_id))

    async def turns(self, tenant: str, conversation_id: UUID, *, user_id: str | None, limit: int) -> list[Turn]:
        self._state.conversation_row(tenant, conversation_id, user_id)
        return [row.turn for row in self._state.conversation_turns(tenant, conversation_id)][-limit:]

    async def tickets(self, tenant: str, *, user_id: str | None, after: str | None, limit: int) -> Page[Ticket]:
        rows = {
            Position(ticket.created_at or self._state.clock(), ticket.ticket_id): ticket
            for ticket in self._state.rows(Ticket).values()
            if ticket.tenant == tenant and user_id in (None, ticket.user_id)
        }
        positions, cursor = page_of(list(rows), after, limit)
        return Page(tuple(rows[position] for position in positions), cursor)

    async def ticket(self, tenant: str, ticket_id: UUID, *, user_id: str | None) -> Ticket:
        ticket = self._state.rows(Ticket).get((tenant, ticket_id))
        if ticket is None or user_id not in (None, ticket.user_id):
            raise NotFound(f"There is no ticket {ticket_id}.")
        return ticket

    async def close_ticket(self, tenant: str, ticket_id: UUID) -> Ticket:
        ticket = await self.ticket(tenant, ticket_id, user_id=None)
        closed = replace(ticket, status=TicketStatus.CLOSED)
        self._state.rows(Ticket)[tenant, ticket_id] = closed
        return closed

    def _summary(self, row: ConversationRow) -> ConversationSummary:
        ticket = self._state.open_ticket(row.tenant, row.conversation_id)
        return ConversationSummary(
            conversation_id=row.conversation_id,
            user_id=row.user_id,
            created_at=row.created_at,
            updated_at=row.updated_at,
            turns=row.numbers,
            open_ticket_id=ticket.ticket_id if ticket else None,
        )
