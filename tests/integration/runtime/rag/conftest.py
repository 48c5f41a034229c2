"""The three chunk indexes, each on its real server."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from supportplane_runtime.rag.interfaces import ChunkIndex
from supportplane_runtime.rag.memory import MemoryIndex
from supportplane_runtime.rag.pgvector import PgVectorIndex


@pytest_asyncio.fixture(scope="module")
async def pool(migrated_database_url: str) -> AsyncIterator[AsyncConnectionPool[AsyncConnection[Any]]]:
    async with AsyncConnectionPool(migrated_database_url, min_size=1, max_size=4, open=False) as made:
        yield made


@pytest.fixture
def memory_index() -> ChunkIndex:
    return MemoryIndex()


@pytest.fixture
def pgvector_index(pool: AsyncConnectionPool[AsyncConnection[Any]]) -> ChunkIndex:
    return PgVectorIndex(pool)


@pytest.fixture(params=["memory", "pgvector"])
def index(request: pytest.FixtureRequest) -> ChunkIndex:
    chosen: ChunkIndex = request.getfixturevalue(f"{request.param}_index")
    return chosen
