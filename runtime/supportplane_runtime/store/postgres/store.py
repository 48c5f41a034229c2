"""PostgresStore: every part of the store over one pool. Made in app/, closed by whoever made it."""

from psycopg.errors import UndefinedTable

from supportplane_runtime.store.key_cache import CachedKeys
from supportplane_runtime.store.postgres.audit import PostgresAudit
from supportplane_runtime.store.postgres.database import Database
from supportplane_runtime.store.postgres.feedback import PostgresFeedback
from supportplane_runtime.store.postgres.gaps import PostgresGaps
from supportplane_runtime.store.postgres.keys import PostgresKeys
from supportplane_runtime.store.postgres.readings import PostgresReadings
from supportplane_runtime.store.postgres.records import PostgresRecords
from supportplane_runtime.store.postgres.secrets import PostgresSharedSecrets
from supportplane_runtime.store.postgres.sessions import PostgresSessions
from supportplane_runtime.store.postgres.turns import PostgresTurnbook


class PostgresStore:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.turnbook = PostgresTurnbook(database)
        self.records = PostgresRecords(database)
        self.feedback = PostgresFeedback(database)
        self.gaps = PostgresGaps(database)
        self.keys = CachedKeys(PostgresKeys(database))
        self.audit = PostgresAudit(database)
        self.sessions = PostgresSessions(database)
        self.shared_secrets = PostgresSharedSecrets(database)
        self.readings = PostgresReadings(database)

    async def probe(self) -> None:
        await self.database.probe()

    async def schema(self) -> str | None:
        try:
            rows = await self.database.run_again_safe("SELECT version_num FROM schema_version", {})
        except UndefinedTable:
            return None
        return str(rows[0][0]) if rows else None

    async def close(self) -> None:
        await self.database.close()


async def open_store(url: str, *, pool_size: int) -> PostgresStore:
    """Does not wait for the database: ``probe`` tells whether it answers. ``url`` is migrated already (migrate.py)."""
    database = Database(url, pool_size=pool_size)
    await database.open()
    return PostgresStore(database)
