"""API keys."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from supportplane_runtime.store.tables.columns import metadata, moment, tenant

api_keys = Table(
    "api_keys",
    metadata,
    tenant(),
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("origins", ARRAY(Text), nullable=False),
    moment("created_at"),
    moment("last_used_at", nullable=True),
    moment("revoked_at", nullable=True),
    Column("agent", Text),  # whose directory of keys it came from; NULL: made by a person
    CheckConstraint("kind IN ('secret', 'publishable')", name="kind"),
    ForeignKeyConstraint(["tenant"], ["tenants.tenant"]),
    # A presented key names no tenant: this is how its row is found.
    Index("api_keys_key_id_key", "key_id", unique=True),
)
