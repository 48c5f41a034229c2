"""The audit log on PostgreSQL: entries of the gateway, many in one statement. Turns write theirs as they end."""

from collections.abc import Sequence
from datetime import timedelta
from typing import LiteralString

from psycopg.types.json import Jsonb

from supportplane_runtime.store.interfaces.audit import NOBODY, AuditEntry
from supportplane_runtime.store.postgres.database import Database

RECORD: LiteralString = """
INSERT INTO audit (tenant, actor, action, outcome, facts, agent)
SELECT e.tenant, e.actor, e.action, e.outcome, e.facts, e.agent
FROM jsonb_to_recordset(%(entries)s)
    AS e (tenant text, actor text, action text, outcome text, facts jsonb, agent text)
"""

LISTING: LiteralString = """
SELECT tenant, actor, action, outcome, facts, agent FROM audit WHERE tenant = %(tenant)s
ORDER BY audit_id DESC LIMIT %(limit)s
"""

# Rows are named by their place (ctid), which is what the index of times leads to; the primary key is not needed.
EXPIRE: LiteralString = """
DELETE FROM audit WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM audit
    WHERE created_at < now() - %(older_than)s AND (tenant = %(tenant)s OR tenant = %(nobody)s)
        AND (agent = %(agent)s OR agent IS NULL)
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
))
RETURNING 1
"""

SIZE: LiteralString = "SELECT pg_total_relation_size('audit')"


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

    async def expire(self, tenant: str, agent: str, *, older_than: timedelta, limit: int) -> int:
        params = {"tenant": tenant, "nobody": NOBODY, "agent": agent, "older_than": older_than, "limit": limit}
        return len(await self._database.run_again_safe(EXPIRE, params))

    async def size_bytes(self) -> int:
        rows = await self._database.run_again_safe(SIZE, {})
        return int(rows[0][0])
