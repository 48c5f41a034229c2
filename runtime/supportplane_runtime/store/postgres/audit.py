"""The audit log on PostgreSQL: entries of the gateway, many in one statement. Turns write theirs as they end."""

from collections.abc import Sequence
from typing import LiteralString

from psycopg.types.json import Jsonb

from supportplane_runtime.store.interfaces import AuditEntry
from supportplane_runtime.store.postgres.database import Database

RECORD: LiteralString = """
INSERT INTO audit (tenant, actor, action, outcome, facts)
SELECT e.tenant, e.actor, e.action, e.outcome, e.facts
FROM jsonb_to_recordset(%(entries)s) AS e (tenant text, actor text, action text, outcome text, facts jsonb)
"""

LISTING: LiteralString = """
SELECT tenant, actor, action, outcome, facts FROM audit WHERE tenant = %(tenant)s
ORDER BY audit_id DESC LIMIT %(limit)s
"""


class PostgresAudit:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """One statement, all or none. Raises StoreUnavailable; after a broken connection it may have been written."""
        if entries:
            await self._database.run(RECORD, {"entries": Jsonb(list(entries))})

    async def listing(self, tenant: str, *, limit: int) -> list[AuditEntry]:
        rows = await self._database.run_again_safe(LISTING, {"tenant": tenant, "limit": limit})
        return [AuditEntry(*row) for row in rows]
