"""How the readings of knowledge bases went."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from supportplane_runtime.store.tables.columns import metadata, moment, tenant

# How the readings of knowledge bases went: the process that reads ends, and those that serve tell of it.
knowledge_readings = Table(
    "knowledge_readings",
    metadata,
    tenant(),
    Column("knowledge_base", Text, primary_key=True),
    moment("completed_at", nullable=True),
    moment("failed_at", nullable=True),
    Column("failure", Text),
    Column("skipped", Integer, nullable=False, server_default=text("0")),
    moment("began_at", nullable=True),  # of the latest, which may be going on or be broken off; NULL: of before
    Column("named", JSONB, nullable=False, server_default=text("'[]'")),  # the first that were skipped: name, reason
    Column("embedding", Text),  # the model whose vectors answer; NULL: the one that the agent file names
    CheckConstraint("(failed_at IS NULL) = (failure IS NULL)", name="failure"),
    ForeignKeyConstraint(["tenant"], ["tenants.tenant"]),
)
