"""Tenants and their users."""

from sqlalchemy import Column, ForeignKeyConstraint, Table, Text

from supportplane_runtime.store.tables.columns import metadata, moment, tenant

tenants = Table("tenants", metadata, tenant(), moment("created_at"))

users = Table(
    "users",
    metadata,
    tenant(),
    Column("user_id", Text, primary_key=True),
    moment("created_at"),
    ForeignKeyConstraint(["tenant"], ["tenants.tenant"]),
)
