"""Ratings of answers, and what the answers cite."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, Text, Uuid

from supportplane_runtime.store.tables.columns import metadata, moment, tenant

feedback = Table(
    "feedback",
    metadata,
    tenant(),
    Column("turn_id", Uuid, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("rating", Text, nullable=False),
    Column("comment", Text),
    moment("updated_at"),
    CheckConstraint("rating IN ('up', 'down')", name="rating"),
    ForeignKeyConstraint(["tenant", "turn_id"], ["turns.tenant", "turns.turn_id"]),
    Index("feedback_listing", "tenant", "updated_at", "turn_id"),
)

# Which documents an answer cites, once each: what answer->'sources' says, where it can be counted (ADR 0021).
citations = Table(
    "citations",
    metadata,
    tenant(),
    Column("turn_id", Uuid, primary_key=True),
    Column("document_id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("title", Text, nullable=False),
    moment("created_at"),
    ForeignKeyConstraint(["tenant", "turn_id"], ["turns.tenant", "turns.turn_id"]),
    # A report counts in this index and reads no row.
    Index("citations_by_time", "tenant", "created_at", "document_id", "turn_id"),
)
