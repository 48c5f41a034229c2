"""Tickets, and the turns that each of them is about."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, Text, Uuid, text

from supportplane_runtime.store.tables.columns import metadata, moment, tenant

tickets = Table(
    "tickets",
    metadata,
    tenant(),
    Column("ticket_id", Uuid, primary_key=True),
    Column("conversation_id", Uuid, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'open'")),
    Column("reason", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("queue", Text),
    moment("created_at"),
    moment("updated_at"),
    moment("closed_at", nullable=True),
    CheckConstraint("status IN ('open', 'closed')", name="status"),
    ForeignKeyConstraint(["tenant", "conversation_id"], ["conversations.tenant", "conversations.conversation_id"]),
    Index("tickets_one_open", "tenant", "conversation_id", unique=True, postgresql_where=text("status = 'open'")),
    Index("tickets_listing", "tenant", "created_at", "ticket_id"),
)

ticket_turns = Table(
    "ticket_turns",
    metadata,
    tenant(),
    Column("turn_id", Uuid, primary_key=True),
    Column("ticket_id", Uuid, nullable=False),
    moment("created_at"),
    ForeignKeyConstraint(["tenant", "turn_id"], ["turns.tenant", "turns.turn_id"]),
    ForeignKeyConstraint(["tenant", "ticket_id"], ["tickets.tenant", "tickets.ticket_id"]),
    Index("ticket_turns_of_ticket", "tenant", "ticket_id"),
)
