"""Two things every statement about knowledge in PostgreSQL needs: its failures as KnowledgeUnavailable, and autocommit
for statements that cannot stand in a transaction. Used by pgvector.py and ingestion/lock.py.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from supportplane_runtime.errors import KnowledgeUnavailable

Pool = AsyncConnectionPool[AsyncConnection[Any]]


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    try:
        yield
    except (psycopg.OperationalError, PoolTimeout) as failure:
        raise KnowledgeUnavailable("the database with the knowledge does not answer") from failure


@asynccontextmanager
async def autocommit(connection: AsyncConnection[Any]) -> AsyncIterator[None]:
    before = connection.autocommit
    await connection.set_autocommit(True)
    try:
        yield
    finally:
        if not connection.closed:
            await connection.set_autocommit(before)
