"""Sessions of the chat page and the one-time links that they begin with."""

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Index, LargeBinary, Table, Text

from supportplane_runtime.store.tables.columns import metadata, tenant


def _bearer_table(name: str) -> Table:
    """Rows found by the digest of a secret that names no tenant, and gone after a time."""
    return Table(
        name,
        metadata,
        tenant(),
        Column("digest", LargeBinary, primary_key=True),
        Column("user_id", Text, nullable=False),
        Column("expires_at", DateTime(timezone=True), nullable=False),
        ForeignKeyConstraint(["tenant"], ["tenants.tenant"]),
        Index(f"{name}_digest_key", "digest", unique=True),
        Index(f"{name}_expiry", "tenant", "expires_at"),
    )


sessions = _bearer_table("sessions")

one_time_links = _bearer_table("one_time_links")
