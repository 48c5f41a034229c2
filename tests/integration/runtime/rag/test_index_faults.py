"""What an index says when its server is away, and that it goes on when the server is back."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from support.weaviate_server import Weaviate, WeaviateSpec, weaviate_binary
from supportplane_runtime.domain.knowledge import Chunk
from supportplane_runtime.errors import KnowledgeUnavailable
from supportplane_runtime.rag.index.interfaces import ChunkIndex, Collection, IndexedChunk, Query
from supportplane_runtime.rag.index.pgvector import PgVectorIndex
from supportplane_runtime.rag.index.weaviate import WeaviateIndex

# The first test may have to build a Weaviate before it starts it.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
DOCS = Collection("acme", "docs")
VECTOR = np.eye(1, 384, dtype=np.float32)[0]
KEY = IndexedChunk(Chunk("keys#0", "keys", "Keys", (), "Rotate the key.", "keys.md", 0), VECTOR, "a.b")


async def search(index: ChunkIndex) -> list[str]:
    found = await index.search(DOCS, [Query("key", VECTOR)], words=["key"], limit=5)
    return [hit.chunk.chunk_id for hit in found.keyword[0]]


@pytest.fixture
def own_weaviate(tmp_path: Path) -> Iterator[Weaviate]:
    """One to kill."""
    server = Weaviate(WeaviateSpec(weaviate_binary(), tmp_path / "weaviate", tmp_path / "weaviate.log"))
    try:
        server.start()
        server.wait_ready()
        yield server
    finally:
        server.stop()


@pytest_asyncio.fixture
async def unreachable_pool(free_port: int) -> AsyncIterator[AsyncConnectionPool[AsyncConnection[Any]]]:
    url = f"postgresql://nobody@127.0.0.1:{free_port}/nothing"
    pool = AsyncConnectionPool[AsyncConnection[Any]](url, timeout=0.2, reconnect_timeout=0.1, open=False)
    await pool.open()
    yield pool
    await pool.close()


async def test_a_database_that_is_away_is_knowledge_that_is_unavailable(
    unreachable_pool: AsyncConnectionPool[AsyncConnection[Any]],
) -> None:
    index = PgVectorIndex(unreachable_pool)
    with pytest.raises(KnowledgeUnavailable, match="does not answer"):
        await search(index)
    with pytest.raises(KnowledgeUnavailable, match="does not answer"):
        await index.upsert(DOCS, [KEY], "embedder")


async def test_a_batch_whose_connection_is_lost_leaves_nothing(
    pool: AsyncConnectionPool[AsyncConnection[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    index = PgVectorIndex(pool)

    async def lost(cursor: Any, keys: Any) -> None:
        await cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as patched:
        patched.setattr("supportplane_runtime.rag.index.pgvector._delete_lexemes", lost)
        with pytest.raises(KnowledgeUnavailable, match="does not answer"):
            await index.upsert(DOCS, [KEY], "embedder")
    assert await index.count(DOCS) == (0, 0)
    await index.upsert(DOCS, [KEY], "embedder")
    assert await search(index) == ["keys#0"]


async def test_no_weaviate_at_its_address_says_so(free_port: int) -> None:
    with pytest.raises(KnowledgeUnavailable, match="Weaviate does not answer"):
        await WeaviateIndex.connect(f"http://127.0.0.1:{free_port}", grpc_port=1)


async def test_a_killed_weaviate_is_unavailable_and_once_it_is_ready_everybody_finds_everything_again(
    own_weaviate: Weaviate,
) -> None:
    """Also who was refused all the time: gRPC remembers refusals, and shares them among all clients of a process."""
    waiting = await WeaviateIndex.connect(own_weaviate.url, grpc_port=own_weaviate.grpc_port)
    await waiting.upsert(DOCS, [KEY], "embedder")
    assert await search(waiting) == ["keys#0"]
    own_weaviate.child.kill()
    with pytest.raises(KnowledgeUnavailable, match="Weaviate does not answer"):
        await search(waiting)
    own_weaviate.start()
    own_weaviate.wait_ready()
    new = await WeaviateIndex.connect(own_weaviate.url, grpc_port=own_weaviate.grpc_port)
    assert await search(new) == ["keys#0"]
    assert await search(waiting) == ["keys#0"]
    await new.close()
    await waiting.close()


async def test_a_weaviate_whose_searches_do_not_answer_is_not_connected_to(own_weaviate: Weaviate) -> None:
    with pytest.raises(KnowledgeUnavailable, match="Weaviate does not answer"):
        await WeaviateIndex.connect(own_weaviate.url, grpc_port=1)
