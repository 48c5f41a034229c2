"""Secrets that all processes of an agent share."""

from sqlalchemy import Column, ForeignKeyConstraint, Table, Text

from supportplane_runtime.store.tables.columns import metadata, moment, tenant

# Of all processes of a tenant's agents; the values are needed in plain text, to sign and to compare.
shared_secrets = Table(
    "shared_secrets",
    metadata,
    tenant(),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    moment("created_at"),
    ForeignKeyConstraint(["tenant"], ["tenants.tenant"]),
)
