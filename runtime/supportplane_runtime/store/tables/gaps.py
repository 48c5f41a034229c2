"""Questions that the documents do not answer well enough, and what questions mean."""

from sqlalchemy import REAL, Column, ForeignKeyConstraint, Index, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from supportplane_runtime.store.tables.columns import metadata, moment, tenant

# Written as the turn ends. Who deletes a turn deletes its gap with it.
gaps = Table(
    "gaps",
    metadata,
    tenant(),
    Column("turn_id", Uuid, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("question", Text, nullable=False),  # with what it leans on
    Column("documents", JSONB, nullable=False),  # those that came nearest: id, title, url of each
    moment("created_at"),
    ForeignKeyConstraint(["tenant", "turn_id"], ["turns.tenant", "turns.turn_id"], ondelete="CASCADE"),
    Index("gaps_by_time", "tenant", "created_at", "turn_id"),
)

# Of gaps and of questions whose answer was disliked; made by orchestrators after the turn, anew for another embedder.
gap_meanings = Table(
    "gap_meanings",
    metadata,
    tenant(),
    Column("turn_id", Uuid, primary_key=True),
    Column("question", Text, nullable=False),  # what was embedded
    Column("embedder", Text, nullable=False),
    Column("unrelated", REAL, nullable=False),  # cosine that it gives texts which have nothing in common
    Column("vector", LargeBinary, nullable=False),  # float32, little-endian, of unit length
    ForeignKeyConstraint(["tenant", "turn_id"], ["turns.tenant", "turns.turn_id"], ondelete="CASCADE"),
)
