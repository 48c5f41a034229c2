"""One-time links and sessions on PostgreSQL, so that losing Redis signs nobody out. Digests only; expired rows go as
new ones come, tenant by tenant.
"""

from typing import LiteralString

from supportplane_runtime.store.credentials import digest, mint_token
from supportplane_runtime.store.interfaces import SESSION_TTL, Redeemed, Session
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
