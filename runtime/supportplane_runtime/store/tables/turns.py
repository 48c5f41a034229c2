"""Conversations, their turns, and what was said in them."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from supportplane_runtime.store.tables.columns import metadata, moment, tenant

conversations = Table(
    "conversations",
    metadata,
    tenant(),
    Column("conversation_id", Uuid, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("turns", Integer, nullable=False),
    moment("created_at"),
    moment("updated_at"),
    ForeignKeyConstraint(["tenant", "user_id"], ["users.tenant", "users.user_id"]),
    # Listings are by creation: updated_at stays out of every index, so that accepting a turn updates no index here.
    Index("conversations_listing", "tenant", "created_at", "conversation_id"),
    Index("conversations_of_user", "tenant", "user_id", "created_at", "conversation_id"),
)

turns = Table(
    "turns",
    metadata,
    tenant(),
    Column("turn_id", Uuid, primary_key=True),
    Column("conversation_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("context", JSONB, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'accepted'")),
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("lease_owner", Text),
    moment("lease_until", nullable=True),
    Column("answer", JSONB),
    Column("failure", Text),
    Column("agent", Text),  # who answers it, and takes it up; NULL: accepted before agents shared a database
    Column("revision", Text),  # of the agent that answered; NULL: not answered, on a laptop, or of before
    moment("created_at"),
    moment("ended_at", nullable=True),
    CheckConstraint("status IN ('accepted', 'finished', 'failed', 'cancelled')", name="status"),
    CheckConstraint("(status = 'finished') = (answer IS NOT NULL)", name="answer"),
    CheckConstraint("(status = 'accepted') = (lease_until IS NOT NULL)", name="lease"),
    ForeignKeyConstraint(["tenant", "conversation_id"], ["conversations.tenant", "conversations.conversation_id"]),
    Index("turns_tenant_conversation_id_number_key", "tenant", "conversation_id", "number", unique=True),
    # Only running turns are in it, and a heartbeat does not touch it: lease_until is not indexed.
    Index("turns_running", "tenant", "turn_id", postgresql_where=text("status = 'accepted'")),
)

# Question and answer texts; a turn's number places them, so a conversation reads question, answer, question, answer
# even when two turns ran at once.
messages = Table(
    "messages",
    metadata,
    tenant(),
    Column("conversation_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("content", Text, nullable=False),
    moment("created_at"),
    CheckConstraint("role IN ('user', 'assistant')", name="role"),
    ForeignKeyConstraint(
        ["tenant", "conversation_id", "number"], ["turns.tenant", "turns.conversation_id", "turns.number"]
    ),
)
