"""A ticket, opened or joined in the statement that finishes the turn.

A ticket that may be one too many for its customer takes the customer's lock first.
"""

# ruff: noqa: S608  # statements are put together from constants of this package; values are always parameters

from dataclasses import replace
from typing import LiteralString
from uuid import UUID, uuid4

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.domain.ending import OpenTicket
from supportplane_runtime.store.postgres.clause import Clause
from supportplane_runtime.store.postgres.database import Params
from supportplane_runtime.store.rules.tickets import TICKET_WINDOW

NO_BOUND = 2**31 - 1  # more tickets than anyone opens

# Turns of one customer that want a ticket store it one after the other, so that each counts the tickets before it.
LOCK_CUSTOMER: LiteralString = """
SELECT FROM users WHERE tenant = %(tenant)s AND user_id = %(user_id)s FOR NO KEY UPDATE
"""

# A visitor of a publishable key who has opened as many tickets as an hour allows: the newest of these, open ones first,
# takes the question of a conversation that has no open ticket. The newest has no open ticket beside it in its own
# conversation, so it can be opened again.
NEWEST: LiteralString = """
newest AS (
    SELECT recent.ticket_id
    FROM ended
    JOIN api_keys p ON p.tenant = ended.tenant AND p.key_id = ended.key_id AND p.kind = 'publishable'
    CROSS JOIN LATERAL (
        SELECT count(*) AS opened,
            (array_agg(k.ticket_id ORDER BY k.status = 'open' DESC, k.created_at DESC, k.ticket_id))[1] AS ticket_id
        FROM tickets k
        JOIN conversations c ON c.tenant = k.tenant AND c.conversation_id = k.conversation_id
        WHERE k.tenant = ended.tenant AND c.user_id = %(user_id)s AND k.created_at > now() - %(ticket_window)s
    ) recent
    WHERE recent.opened >= %(per_hour)s AND NOT EXISTS (
        SELECT FROM tickets o
        WHERE o.tenant = ended.tenant AND o.conversation_id = ended.conversation_id AND o.status = 'open'
    )
)
"""

# The partial unique index tickets_one_open decides between opening and appending, also between concurrent turns.
TICKET: LiteralString = f"""
{NEWEST}, again AS (
    UPDATE tickets SET status = 'open', closed_at = NULL, updated_at = now()
    WHERE tenant = %(tenant)s AND ticket_id IN (SELECT ticket_id FROM newest)
    RETURNING tenant, ticket_id
), opened AS (
    INSERT INTO tickets (tenant, ticket_id, conversation_id, reason, subject, queue)
    SELECT tenant, %(ticket_id)s, conversation_id, %(reason)s, %(subject)s, %(queue)s FROM ended
    WHERE NOT EXISTS (SELECT FROM newest)
    ON CONFLICT (tenant, conversation_id) WHERE status = 'open' DO UPDATE SET updated_at = now()
    RETURNING tenant, ticket_id
), ticket AS (
    SELECT tenant, ticket_id FROM again UNION ALL SELECT tenant, ticket_id FROM opened
), joined AS (
    INSERT INTO ticket_turns (tenant, turn_id, ticket_id)
    SELECT ended.tenant, ended.turn_id, ticket.ticket_id FROM ended JOIN ticket ON ticket.tenant = ended.tenant
)
"""
TICKET_ID: LiteralString = "(SELECT ticket_id FROM ticket)"


def _params(wish: OpenTicket, turn: Turn) -> Params:
    return {
        "ticket_id": uuid4(),
        "reason": wish.reason,
        "subject": wish.subject,
        "queue": wish.queue,
        "per_hour": wish.per_hour if wish.per_hour is not None else NO_BOUND,
        "ticket_window": TICKET_WINDOW,
        "user_id": turn.user_id,
    }


def _locks(wish: OpenTicket) -> tuple[LiteralString, ...]:
    return () if wish.per_hour is None else (LOCK_CUSTOMER,)


def _told(answer: Answer, ticket_id: UUID) -> Answer:
    return replace(answer, ticket_id=ticket_id)


CLAUSE: Clause[OpenTicket] = Clause(
    ctes=TICKET,
    params=_params,
    result=TICKET_ID,
    facts=f"'ticket_id', {TICKET_ID}",
    locks=_locks,
    told=_told,
)
