"""One-time links and sessions on PostgreSQL, so that losing Redis signs nobody out. Digests only; expired rows go as
new ones come, tenant by tenant.
"""

from typing import LiteralString

from supportplane_runtime.errors import NotFound
from supportplane_runtime.store.credentials import digest, mint_token, session_id_of
from supportplane_runtime.store.interfaces.sessions import SESSION_TTL, OpenSession, Redeemed, Session
from supportplane_runtime.store.postgres.database import Database

CREATE_LINK: LiteralString = """
WITH tenant AS (
    INSERT INTO tenants (tenant) VALUES (%(tenant)s) ON CONFLICT DO NOTHING
), expired AS (
    DELETE FROM one_time_links WHERE tenant = %(tenant)s AND expires_at <= now()
)
INSERT INTO one_time_links (tenant, digest, user_id, expires_at)
VALUES (%(tenant)s, %(digest)s, %(user_id)s, now() + make_interval(secs => %(ttl_s)s))
"""

# Taking the link and making the session are one commit: a link is never used twice, nor lost half-way. The tenant comes
# from the link.
REDEEM: LiteralString = """
WITH link AS (
    DELETE FROM one_time_links WHERE digest = %(token)s RETURNING tenant, user_id, expires_at
), expired AS (
    DELETE FROM sessions USING link WHERE sessions.tenant = link.tenant AND sessions.expires_at <= now()
)
INSERT INTO sessions (tenant, digest, user_id, expires_at)
SELECT tenant, %(secret)s, user_id, now() + %(ttl)s FROM link WHERE expires_at > now()
RETURNING user_id
"""

LOOKUP: LiteralString = "SELECT tenant, user_id FROM sessions WHERE digest = %(secret)s AND expires_at > now()"

END: LiteralString = "DELETE FROM sessions WHERE digest = %(secret)s RETURNING tenant, user_id, expires_at > now()"

LISTING: LiteralString = """
SELECT digest, user_id, expires_at FROM sessions WHERE tenant = %(tenant)s AND expires_at > now()
ORDER BY expires_at, digest
"""

END_ONE: LiteralString = """
DELETE FROM sessions
WHERE tenant = %(tenant)s AND left(encode(digest, 'hex'), 16) = %(session_id)s AND expires_at > now()
RETURNING digest
"""

END_ALL: LiteralString = """
WITH links AS (
    DELETE FROM one_time_links WHERE tenant = %(tenant)s
)
DELETE FROM sessions WHERE tenant = %(tenant)s RETURNING expires_at > now()
"""


class PostgresSessions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_link(self, tenant: str, user_id: str, *, ttl_s: int) -> str:
        token = mint_token()
        params = {"tenant": tenant, "user_id": user_id, "digest": digest(token), "ttl_s": ttl_s}
        await self._database.run(CREATE_LINK, params)
        return token

    async def redeem(self, token: str) -> Redeemed | None:
        secret = mint_token()
        params = {"token": digest(token), "secret": digest(secret), "ttl": SESSION_TTL}
        rows = await self._database.run(REDEEM, params)
        return Redeemed(secret, rows[0][0]) if rows else None

    async def lookup(self, secret: str) -> Session | None:
        rows = await self._database.run_again_safe(LOOKUP, {"secret": digest(secret)})
        return Session(*rows[0]) if rows else None

    async def end(self, secret: str) -> Session | None:
        rows = await self._database.run(END, {"secret": digest(secret)})
        return Session(*rows[0][:2]) if rows and rows[0][2] else None

    async def listing(self, tenant: str) -> list[OpenSession]:
        rows = await self._database.run_again_safe(LISTING, {"tenant": tenant})
        return [OpenSession(session_id_of(row[0]), row[1], row[2] - SESSION_TTL, row[2]) for row in rows]

    async def end_one(self, tenant: str, session_id: str) -> None:
        rows = await self._database.run(END_ONE, {"tenant": tenant, "session_id": session_id})
        if not rows:
            raise NotFound(f"There is no session {session_id}.")

    async def end_all(self, tenant: str) -> int:
        return sum(row[0] for row in await self._database.run(END_ALL, {"tenant": tenant}))
