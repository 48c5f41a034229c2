"""One ingestion of a collection at a time, across processes: an advisory lock in PostgreSQL.

Used by ingest.py whichever index holds the chunks; app/ hands in the pool. The lock ends with its connection, so an
ingestion that was killed holds up no other ingestion.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from psycopg import AsyncConnection

from supportplane_runtime.rag.index.interfaces import Collection
from supportplane_runtime.rag.index.pgvector_session import Pool, answering, autocommit

# Asked for again and again, not waited for in SQL: a waiting statement holds a snapshot, for which CREATE INDEX
# CONCURRENTLY of the ingestion before us would wait. A second more hardly counts beside an ingestion.
POLL_S = 0.5


class IngestionLock(Protocol):
    def held(self, collection: Collection, on_wait: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        """Enter when no other ingestion of the collection runs; on_wait is called once if that takes a while."""
        ...


class PostgresIngestionLock:
    """Satisfies IngestionLock. pool: opened and closed by its maker; the lock keeps one connection while it is held."""

    def __init__(self, pool: Pool, *, poll_s: float = POLL_S) -> None:
        self._pool = pool
        self._poll_s = poll_s

    @asynccontextmanager
    async def held(self, collection: Collection, on_wait: Callable[[], None]) -> AsyncIterator[None]:
        number = _number(collection)
        async with answering(), self._pool.connection() as connection, autocommit(connection):
            await self._wait_for(connection, number, on_wait)
            try:
                yield
            finally:
                if not connection.closed:
                    await connection.execute("SELECT pg_advisory_unlock(%s)", (number,))

    async def _wait_for(self, connection: AsyncConnection[Any], number: int, on_wait: Callable[[], None]) -> None:
        waiting = False
        while not await _try_lock(connection, number):
            if not waiting:
                on_wait()
                waiting = True
            await asyncio.sleep(self._poll_s)


class MemoryIngestionLock:
    """Satisfies IngestionLock within one process, for tests."""

    def __init__(self) -> None:
        self._locks: defaultdict[Collection, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def held(self, collection: Collection, on_wait: Callable[[], None]) -> AsyncIterator[None]:
        if self._locks[collection].locked():
            on_wait()
        async with self._locks[collection]:
            yield


async def _try_lock(connection: AsyncConnection[Any], number: int) -> bool:
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", (number,))
    row = await cursor.fetchone()
    return bool(row and row[0])


def _number(collection: Collection) -> int:
    """64 bits of a hash, as PostgreSQL's advisory locks are numbered."""
    name = f"ingestion\x1f{collection.tenant}\x1f{collection.knowledge_base}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
