"""How the readings of knowledge bases went, on PostgreSQL: a row each, written when a reading ends."""

from collections.abc import Collection, Sequence
from typing import LiteralString

from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from supportplane_runtime.domain.knowledge import LastReading
from supportplane_runtime.store.interfaces.readings import NAMED_FILES
from supportplane_runtime.store.postgres.database import Database
from supportplane_runtime.store.rules.readings import version_of

TENANT: LiteralString = "INSERT INTO tenants (tenant) VALUES (%(tenant)s) ON CONFLICT DO NOTHING"

BEGUN: LiteralString = """
INSERT INTO knowledge_readings (tenant, knowledge_base, began_at) VALUES (%(tenant)s, %(knowledge_base)s, now())
ON CONFLICT (tenant, knowledge_base) DO UPDATE SET began_at = excluded.began_at
"""

VERSION: LiteralString = """
SELECT knowledge_base, greatest(completed_at, failed_at), began_at FROM knowledge_readings
WHERE tenant = %(tenant)s AND knowledge_base = ANY(%(names)s) ORDER BY knowledge_base
"""

COMPLETED: LiteralString = """
INSERT INTO knowledge_readings (tenant, knowledge_base, completed_at, failed_at, failure, skipped, named,
    embedding)
VALUES (%(tenant)s, %(knowledge_base)s, now(), CASE WHEN %(failure)s::text IS NULL THEN NULL ELSE now() END,
    %(failure)s, %(skipped)s, %(named)s, %(embedding)s)
ON CONFLICT (tenant, knowledge_base) DO UPDATE SET completed_at = excluded.completed_at,
    failed_at = excluded.failed_at, failure = excluded.failure, skipped = excluded.skipped, named = excluded.named,
    embedding = coalesce(excluded.embedding, knowledge_readings.embedding)
"""

FAILED: LiteralString = """
INSERT INTO knowledge_readings (tenant, knowledge_base, failed_at, failure)
VALUES (%(tenant)s, %(knowledge_base)s, now(), %(failure)s)
ON CONFLICT (tenant, knowledge_base) DO UPDATE SET failed_at = excluded.failed_at, failure = excluded.failure
"""

LISTING: LiteralString = """
SELECT knowledge_base, completed_at, failed_at, failure, skipped, named, embedding FROM knowledge_readings
WHERE tenant = %(tenant)s AND (completed_at IS NOT NULL OR failed_at IS NOT NULL) ORDER BY knowledge_base
"""


class PostgresReadings:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_begun(self, tenant: str, knowledge_base: str) -> None:
        await self._save(BEGUN, {"tenant": tenant, "knowledge_base": knowledge_base})

    async def version(self, tenant: str, knowledge_bases: Collection[str]) -> str | None:
        names = sorted(set(knowledge_bases))
        rows = await self._database.run_again_safe(VERSION, {"tenant": tenant, "names": names})
        return version_of(names, {name: (ended_at, began_at) for name, ended_at, began_at in rows})

    async def save_completed(
        self,
        tenant: str,
        knowledge_base: str,
        *,
        skipped: Sequence[tuple[str, str]],
        failure: str | None = None,
        embedding: str | None = None,
    ) -> None:
        named = Jsonb(list(skipped[:NAMED_FILES]))
        facts = {"failure": failure, "skipped": len(skipped), "named": named, "embedding": embedding}
        await self._save(COMPLETED, {"tenant": tenant, "knowledge_base": knowledge_base, **facts})

    async def save_failed(self, tenant: str, knowledge_base: str, failure: str) -> None:
        await self._save(FAILED, {"tenant": tenant, "knowledge_base": knowledge_base, "failure": failure})

    async def listing(self, tenant: str) -> list[LastReading]:
        rows = await self._database.run_again_safe(LISTING, {"tenant": tenant})
        return [_last_reading(row) for row in rows]

    async def _save(self, statement: LiteralString, facts: dict[str, object]) -> None:
        await self._database.run_again_safe(TENANT, {"tenant": facts["tenant"]})
        await self._database.run_again_safe(statement, facts)


def _last_reading(row: TupleRow) -> LastReading:
    knowledge_base, completed_at, failed_at, failure, skipped, named, embedding = row
    pairs = tuple((name, reason) for name, reason in named)
    return LastReading(knowledge_base, completed_at, failed_at, failure, skipped, pairs, embedding)
