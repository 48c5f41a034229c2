"""The audit log."""

from sqlalchemy import BigInteger, Column, Identity, Index, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from supportplane_runtime.store.tables.columns import metadata, moment, tenant

# No foreign key on purpose: the log outlives what it tells of.
audit = Table(
    "audit",
    metadata,
    tenant(),
    Column("audit_id", BigInteger, Identity(always=True), primary_key=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    moment("created_at"),
    Column("agent", Text),  # whose policy says how long it is kept; NULL: written before, or at the command line
    Index("audit_expiry", "created_at", postgresql_using="brin", postgresql_with={"autosummarize": "true"}),
)
