"""API keys on PostgreSQL: digests only, found by the id within the key, compared in constant time."""

# ruff: noqa: S608  # statements are put together from constants of this package; values are always parameters

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, LiteralString

from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.errors import Conflict, NotFound
from supportplane_runtime.store.credentials import digest, key_id_of, mint_key, parse_key, same_digest, secret_key
from supportplane_runtime.store.interfaces.keys import ApiKey, KeyKind
from supportplane_runtime.store.postgres.database import Database
from supportplane_runtime.store.rules.keys import ensure_key_name, replaces

# last_used_at answers "can this key go?", in days; writing it per request would make every read a write.
TOUCH_EVERY = timedelta(minutes=10)

COLUMNS: LiteralString = "tenant, key_id, name, kind, scopes, origins, created_at, last_used_at, revoked_at, agent"

CREATE: LiteralString = f"""
WITH tenant AS (
    INSERT INTO tenants (tenant) VALUES (%(tenant)s) ON CONFLICT DO NOTHING
)
INSERT INTO api_keys (tenant, key_id, name, kind, digest, scopes, origins)
VALUES (%(tenant)s, %(key_id)s, %(name)s, %(kind)s, %(digest)s, %(scopes)s, %(origins)s)
RETURNING {COLUMNS}
"""

# A key of another origin, or with another secret under the same id, is left alone: no row comes back.
ADOPT: LiteralString = f"""
WITH tenant AS (
    INSERT INTO tenants (tenant) VALUES (%(tenant)s) ON CONFLICT DO NOTHING
)
INSERT INTO api_keys AS k (tenant, key_id, name, kind, digest, scopes, origins, agent)
VALUES (%(tenant)s, %(key_id)s, %(name)s, %(kind)s, %(digest)s, %(scopes)s, '{{}}', %(agent)s)
ON CONFLICT (key_id) DO UPDATE SET name = excluded.name, revoked_at = NULL
WHERE k.tenant = excluded.tenant AND k.digest = excluded.digest AND k.agent = excluded.agent
RETURNING {COLUMNS}
"""

# The one statement that names no tenant: the key says which it is.
LOOKUP: LiteralString = f"""
SELECT {COLUMNS}, digest, last_used_at IS NULL OR last_used_at < now() - %(touch_every)s
FROM api_keys WHERE key_id = %(key_id)s AND revoked_at IS NULL
"""

TOUCH: LiteralString = f"""
UPDATE api_keys SET last_used_at = now() WHERE tenant = %(tenant)s AND key_id = %(key_id)s RETURNING {COLUMNS}
"""

LISTING: LiteralString = f"SELECT {COLUMNS} FROM api_keys WHERE tenant = %(tenant)s ORDER BY created_at, key_id"

THESE: LiteralString = f"SELECT {COLUMNS} FROM api_keys WHERE tenant = %(tenant)s AND key_id = ANY(%(key_ids)s)"

REVOKE: LiteralString = f"""
UPDATE api_keys SET revoked_at = coalesce(revoked_at, now())
WHERE tenant = %(tenant)s AND key_id = %(key_id)s RETURNING {COLUMNS}
"""


class PostgresKeys:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, tenant: str, name: str, *, kind: KeyKind, scopes: frozenset[Scope], origins: Sequence[str]
    ) -> tuple[ApiKey, str]:
        plain = mint_key(kind)
        params = {
            "tenant": tenant,
            "key_id": key_id_of(plain),
            "name": ensure_key_name(name),
            "kind": kind,
            "digest": digest(plain),
            "scopes": sorted(scope.value for scope in scopes),
            "origins": list(origins),
        }
        rows = await self._database.run(CREATE, params)
        return _key(rows[0]), plain

    async def adopt(self, tenant: str, name: str, plain: str, *, scopes: frozenset[Scope], agent: str) -> ApiKey:
        presented = secret_key(plain)
        params = {
            "tenant": tenant,
            "key_id": presented.key_id,
            "name": ensure_key_name(name),
            "kind": KeyKind.SECRET,
            "digest": presented.digest,
            "scopes": sorted(scope.value for scope in scopes),
            "agent": agent,
        }
        rows = await self._database.run_again_safe(ADOPT, params)
        if not rows:
            raise Conflict(f"The key {presented.key_id} is known from elsewhere.")
        return _key(rows[0])

    async def lookup(self, plain: str) -> ApiKey | None:
        presented = parse_key(plain)
        if presented is None:
            return None
        params = {"key_id": presented.key_id, "touch_every": TOUCH_EVERY}
        rows = await self._database.run_again_safe(LOOKUP, params)
        if not rows:
            return None
        *columns, stored, stale = rows[0]
        if not same_digest(stored, presented.digest):
            return None
        return await self._touch(_key(columns)) if stale else _key(columns)

    async def has_replaced(self, tenant: str, key_id: str, before: str) -> bool:
        params = {"tenant": tenant, "key_ids": [key_id, before]}
        found = {key.key_id: key for key in map(_key, await self._database.run_again_safe(THESE, params))}
        return key_id in found and before in found and replaces(found[key_id], found[before])

    async def listing(self, tenant: str) -> list[ApiKey]:
        return [_key(row) for row in await self._database.run_again_safe(LISTING, {"tenant": tenant})]

    async def revoke(self, tenant: str, key_id: str) -> ApiKey:
        return await self._update(REVOKE, tenant, key_id)

    async def _touch(self, key: ApiKey) -> ApiKey:
        return await self._update(TOUCH, key.tenant, key.key_id)

    async def _update(self, statement: LiteralString, tenant: str, key_id: str) -> ApiKey:
        rows = await self._database.run_again_safe(statement, {"tenant": tenant, "key_id": key_id})
        if not rows:
            raise NotFound(f"There is no key {key_id}.")
        return _key(rows[0])


def _key(row: Sequence[Any]) -> ApiKey:
    return ApiKey(
        tenant=row[0],
        key_id=row[1],
        name=row[2],
        kind=KeyKind(row[3]),
        scopes=frozenset(Scope(scope) for scope in row[4]),
        origins=tuple(row[5]),
        created_at=row[6],
        last_used_at=row[7],
        revoked_at=row[8],
        agent=row[9],
    )
