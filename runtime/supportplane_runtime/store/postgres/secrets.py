"""Secrets that every process of an agent must have the same, on PostgreSQL: made by whoever asks first."""

import secrets
from typing import LiteralString

from supportplane_runtime.errors import StoreUnavailable
from supportplane_runtime.store.postgres.database import Database

SECRET_BYTES = 32

OFFER: LiteralString = """
WITH tenant AS (
    INSERT INTO tenants (tenant) VALUES (%(tenant)s) ON CONFLICT DO NOTHING
)
INSERT INTO shared_secrets (tenant, name, value) VALUES (%(tenant)s, %(name)s, %(value)s) ON CONFLICT DO NOTHING
"""

READ: LiteralString = "SELECT value FROM shared_secrets WHERE tenant = %(tenant)s AND name = %(name)s"


class PostgresSharedSecrets:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def secret(self, tenant: str, name: str, *, offer: str | None = None) -> str:
        place = {"tenant": tenant, "name": name}
        rows = await self._database.run_again_safe(READ, place)
        if not rows:
            # Somebody else's may get there first, which this statement does not see: so it is read again.
            await self._database.run_again_safe(OFFER, {**place, "value": offer or secrets.token_hex(SECRET_BYTES)})
            rows = await self._database.run_again_safe(READ, place)
        if not rows:
            raise StoreUnavailable("A secret was stored and is gone again")
        return str(rows[0][0])
