"""A ticket in memory: the conversation's open one, or a new one."""

from dataclasses import replace
from uuid import uuid4

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import Ticket, TicketStatus
from supportplane_runtime.domain.ending import OpenTicket
from supportplane_runtime.store.interfaces.keys import KeyKind
from supportplane_runtime.store.memory.state import State, TurnRow
from supportplane_runtime.store.rules.tickets import TICKET_WINDOW


def apply(state: State, row: TurnRow, wish: OpenTicket, answer: Answer) -> Answer:
    turn = row.turn
    known = state.open_ticket(turn.tenant, turn.conversation_id) or _newest_ticket(state, row, wish)
    ticket = known or Ticket(
        tenant=turn.tenant,
        ticket_id=uuid4(),
        conversation_id=turn.conversation_id,
        user_id=turn.user_id,
        status=TicketStatus.OPEN,
        reason=wish.reason,
        subject=wish.subject,
        queue=wish.queue,
        created_at=state.clock(),
    )
    ticket = replace(ticket, status=TicketStatus.OPEN, turn_ids=(*ticket.turn_ids, turn.turn_id))
    state.rows(Ticket)[turn.tenant, ticket.ticket_id] = ticket
    return replace(answer, ticket_id=ticket.ticket_id)


def _newest_ticket(state: State, row: TurnRow, wish: OpenTicket) -> Ticket | None:
    """Of a visitor who has opened as many as an hour allows; an open one before a closed one."""
    key = state.keys.get((row.turn.tenant, row.key_id))
    if wish.per_hour is None or key is None or key[0].kind is not KeyKind.PUBLISHABLE:
        return None
    since = state.clock() - TICKET_WINDOW
    theirs = (row.turn.tenant, row.turn.user_id)
    recent = [
        (ticket.status is TicketStatus.OPEN, ticket.created_at, ticket.ticket_id.hex, ticket)
        for ticket in state.rows(Ticket).values()
        if (ticket.tenant, ticket.user_id) == theirs and ticket.created_at and ticket.created_at > since
    ]
    return max(recent)[-1] if len(recent) >= wish.per_hour else None
