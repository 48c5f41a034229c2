"""The three chunk indexes, each on its real server."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from support.weaviate_server import Weaviate, WeaviateSpec, weaviate_binary
from supportplane_runtime.rag.index.interfaces import ChunkIndex
from supportplane_runtime.rag.index.memory import MemoryIndex
from supportplane_runtime.rag.index.pgvector import PgVectorIndex
from supportplane_runtime.rag.index.weaviate import WeaviateIndex


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


@pytest.fixture(scope="session")
def weaviate_server(parts_folder: Path) -> Iterator[Weaviate]:
    """The session's Weaviate; test modules use collections of their own."""
    spec = WeaviateSpec(weaviate_binary(), parts_folder / "weaviate", parts_folder / "weaviate.log")
    server = Weaviate(spec)
    try:
        server.start()
        server.wait_ready()
        yield server
    finally:
        server.stop()


@pytest_asyncio.fixture(scope="module")
async def weaviate_index(weaviate_server: Weaviate) -> AsyncIterator[ChunkIndex]:
    made = await WeaviateIndex.connect(weaviate_server.url, grpc_port=weaviate_server.grpc_port)
    yield made
    await made.close()


@pytest.fixture(params=["memory", "pgvector", "weaviate"])
def index(request: pytest.FixtureRequest) -> ChunkIndex:
    chosen: ChunkIndex = request.getfixturevalue(f"{request.param}_index")
    return chosen
