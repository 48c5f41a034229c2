"""The ChunkIndex on PostgreSQL with pgvector: what an agent uses unless it is given a Weaviate.

Chosen in app/, which also hands in the connection pool; the tables are those of migrations 0002 and 0008. Each batch is
written in one transaction, so a killed ingestion leaves whole batches and the next run goes on from there. Here is what
writes; pgvector_search.py is what reads.

Vectors are compared one by one up to EXACT_UP_TO chunks (exact, no index to keep) and through a graph (HNSW) of the
collection's own above it; optimize() builds that after an ingestion. tests/bench/test_chunk_index.py measures both.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import psycopg
import structlog
from numpy.typing import NDArray
from psycopg import AsyncConnection, AsyncCursor, sql

from supportplane_runtime.domain.knowledge import Chunk
from supportplane_runtime.languages import language
from supportplane_runtime.rag.index.interfaces import (
    Collection,
    Hit,
    IndexedChunk,
    Matches,
    Query,
    Stretch,
    TextRefused,
)
from supportplane_runtime.rag.index.pgvector_search import STATE, Asked, Embedding, State, find, find_stretches, place
from supportplane_runtime.rag.index.pgvector_session import Pool, answering, autocommit
from supportplane_runtime.rag.words.lexemes import lexemes
from supportplane_runtime.rag.words.searchable import searchable_text

log = structlog.get_logger(__name__)

EXACT_UP_TO = 10_000
# The pool's own timeout is for questions; removing a big knowledge base is one statement.
WRITE_TIMEOUT_S = 120
_TABLES = ("knowledge_collections", "knowledge_chunks", "knowledge_vectors", "knowledge_lexemes")

_UPSERT_CHUNK = """
INSERT INTO knowledge_chunks (tenant, collection_id, chunk_id, document_id, title, heading_path, content, url, position,
    language, context, content_hash, embedder, length)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant, collection_id, chunk_id) DO UPDATE SET document_id = excluded.document_id, title = excluded.title,
    heading_path = excluded.heading_path, content = excluded.content, url = excluded.url, position = excluded.position,
    language = excluded.language, context = excluded.context, content_hash = excluded.content_hash,
    embedder = excluded.embedder, length = excluded.length
RETURNING chunk_key
"""

_UPSERT_VECTOR = """
INSERT INTO knowledge_vectors (tenant, collection_id, chunk_key, embedding) VALUES (%s, %s, %s, %b)
ON CONFLICT (tenant, collection_id, chunk_key) DO UPDATE SET embedding = excluded.embedding
"""

_FIGURES = """
SELECT count(*), coalesce(sum(length), 0) FROM knowledge_chunks
WHERE tenant = %s AND collection_id = %s AND chunk_id = ANY(%s)
"""
_CHANGE_FIGURES = """
UPDATE knowledge_collections SET chunks = chunks + %s, lexemes = lexemes + %s WHERE tenant = %s AND collection_id = %s
"""


class PgVectorIndex:
    """Satisfies ChunkIndex. pool: opened and closed by its maker."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def hashes(self, collection: Collection, embedder: str) -> dict[str, str]:
        async with self._state(collection) as (cursor, state):
            if state is None:
                return {}
            await cursor.execute(
                "SELECT chunk_id, CASE WHEN embedder = %s THEN content_hash ELSE '' END FROM knowledge_chunks"
                " WHERE tenant = %s AND collection_id = %s",
                (embedder, collection.tenant, state.collection_id),
            )
            return dict(await cursor.fetchall())

    async def documents(self, collection: Collection) -> dict[str, str]:
        async with self._state(collection) as (cursor, state):
            if state is None:
                return {}
            await cursor.execute(
                "SELECT chunk_id, document_id FROM knowledge_chunks WHERE tenant = %s AND collection_id = %s",
                (collection.tenant, state.collection_id),
            )
            return dict(await cursor.fetchall())

    async def upsert(self, collection: Collection, chunks: Sequence[IndexedChunk], embedder: str) -> None:
        if not chunks:
            return
        ids = [each.chunk.chunk_id for each in chunks]
        async with _storable(), self._writing(collection, ids) as (cursor, collection_id):
            scope = (collection.tenant, collection_id)
            counts = [lexemes(searchable_text(each.chunk), language(collection.language)) for each in chunks]
            rows = [
                (*scope, *_row(each.chunk), each.content_hash, embedder, count.total())
                for each, count in zip(chunks, counts, strict=True)
            ]
            keys = await _returned_keys(cursor, rows)
            vectors = [(*scope, key, Embedding(each.vector)) for key, each in zip(keys, chunks, strict=True)]
            await cursor.executemany(_UPSERT_VECTOR, vectors)
            await _delete_lexemes(cursor, keys)
            copying = (
                "COPY knowledge_lexemes (tenant, collection_id, lexeme, chunk_key, occurrences, length) FROM STDIN"
            )
            async with cursor.copy(copying) as copy:
                for key, count in zip(keys, counts, strict=True):
                    for lexeme, occurrences in count.items():
                        await copy.write_row((*scope, lexeme, key, occurrences, count.total()))

    async def relocate(self, collection: Collection, chunks: Sequence[tuple[Chunk, str]]) -> None:
        if not chunks:
            return
        async with self._writing(collection, []) as (cursor, collection_id):
            await cursor.executemany(
                "UPDATE knowledge_chunks SET url = %s, position = %s, content_hash = %s"
                " WHERE tenant = %s AND collection_id = %s AND chunk_id = %s",
                [
                    (chunk.url, chunk.position, content_hash, collection.tenant, collection_id, chunk.chunk_id)
                    for chunk, content_hash in chunks
                ],
            )

    async def delete(self, collection: Collection, chunk_ids: Sequence[str]) -> None:
        if not chunk_ids:
            return
        async with self._writing(collection, chunk_ids) as (cursor, collection_id):
            await cursor.execute(
                "DELETE FROM knowledge_chunks WHERE tenant = %s AND collection_id = %s AND chunk_id = ANY(%s)"
                " RETURNING chunk_key",
                (collection.tenant, collection_id, list(chunk_ids)),
            )
            keys = [key for (key,) in await cursor.fetchall()]
            await cursor.execute(
                "DELETE FROM knowledge_vectors WHERE tenant = %s AND collection_id = %s AND chunk_key = ANY(%s)",
                (collection.tenant, collection_id, keys),
            )
            await _delete_lexemes(cursor, keys)

    async def drop(self, collection: Collection) -> None:
        async with self._state(collection) as (_, state):
            pass
        if state is None:
            return
        async with answering(), self._pool.connection() as connection, connection.transaction():
            await connection.execute(f"SET LOCAL statement_timeout = '{WRITE_TIMEOUT_S}s'")
            for table in reversed(_TABLES):  # the collection last: the chunks refer to it
                statement = sql.SQL("DELETE FROM {} WHERE tenant = %s AND collection_id = %s")
                await connection.execute(
                    statement.format(sql.Identifier(table)), (collection.tenant, state.collection_id)
                )
            await connection.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(_graph(state.collection_id)))

    async def keyword(self, collection: Collection, text: str, *, limit: int) -> list[Hit]:
        found = await self._find(collection, Asked(texts=[text], limit=limit))
        return found.keyword[0]

    async def nearest(self, collection: Collection, vector: NDArray[np.float32], *, limit: int) -> list[Hit]:
        found = await self._find(collection, Asked(vectors=[vector], limit=limit))
        return found.nearest[0]

    async def rarities(self, collection: Collection, words: Sequence[str]) -> dict[str, float]:
        found = await self._find(collection, Asked(words=words))
        return found.rarities

    async def search(
        self, collection: Collection, queries: Sequence[Query], *, words: Sequence[str], limit: int
    ) -> Matches:
        texts, vectors = [query.text for query in queries], [query.vector for query in queries]
        return await self._find(collection, Asked(texts, vectors, words, limit))

    async def stretches(self, collection: Collection, stretches: Sequence[Stretch]) -> list[Chunk]:
        if not stretches:
            return []
        async with answering(), self._pool.connection() as connection:
            return await find_stretches(connection, collection, stretches)

    async def count(self, collection: Collection) -> tuple[int, int]:
        async with self._state(collection) as (cursor, state):
            if state is None:
                return 0, 0
            await cursor.execute(
                "SELECT count(DISTINCT document_id), count(*) FROM knowledge_chunks"
                " WHERE tenant = %s AND collection_id = %s",
                (collection.tenant, state.collection_id),
            )
            (row,) = await cursor.fetchall()
            return int(row[0]), int(row[1])

    async def optimize(self, collection: Collection) -> None:
        """Statistics for the planner, and a graph for a collection that has outgrown exact search.

        Without statistics a search by words in 1,000 chunks took 81 ms instead of 2. The graph takes minutes at
        100,000 chunks; searches go on meanwhile.
        """
        async with self._state(collection) as (_, state):
            pass
        if state is None:
            return
        async with answering(), self._pool.connection() as connection, autocommit(connection), _patient(connection):
            for table in _TABLES:
                await connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
            if state.chunks > EXACT_UP_TO and not state.graph:
                log.info("chunk_graph_started", knowledge_base=collection.knowledge_base, chunks=state.chunks)
                await _build_graph(connection, collection.tenant, state.collection_id)
                log.info("chunk_graph_built", knowledge_base=collection.knowledge_base, chunks=state.chunks)

    async def close(self) -> None:
        """The maker of the pool closes the pool."""

    async def _find(self, collection: Collection, asked: Asked) -> Matches:
        async with answering(), self._pool.connection() as connection:
            return await find(connection, collection, asked)

    @asynccontextmanager
    async def _state(self, collection: Collection) -> AsyncIterator[tuple[AsyncCursor[Any], State | None]]:
        """A cursor, and the collection's figures, None when nothing was ever written to it."""
        async with answering(), self._pool.connection() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(STATE, place(collection))
            row = await cursor.fetchone()
            yield cursor, State(*row) if row else None

    @asynccontextmanager
    async def _writing(
        self, collection: Collection, chunk_ids: Sequence[str]
    ) -> AsyncIterator[tuple[AsyncCursor[Any], int]]:
        """A transaction that holds the collection's row: writers queue, and its figures follow the chunks named.

        By difference, because counting 100,000 chunks for every batch of 32 would take longer than embedding them.
        """
        async with answering(), self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            await cursor.execute(f"SET LOCAL statement_timeout = '{WRITE_TIMEOUT_S}s'")
            await cursor.execute(
                "INSERT INTO knowledge_collections (tenant, knowledge_base, embedding) VALUES (%s, %s, %s)"
                " ON CONFLICT (tenant, knowledge_base, embedding) DO UPDATE SET chunks = knowledge_collections.chunks"
                " RETURNING collection_id",
                place(collection),
            )
            ((collection_id,),) = await cursor.fetchall()
            scope = (collection.tenant, collection_id)
            before = await _figures(cursor, scope, chunk_ids)
            yield cursor, collection_id
            after = await _figures(cursor, scope, chunk_ids)
            await cursor.execute(_CHANGE_FIGURES, (after[0] - before[0], after[1] - before[1], *scope))


@asynccontextmanager
async def _storable() -> AsyncIterator[None]:
    """Raises TextRefused for text that PostgreSQL does not take, such as a NUL or half a surrogate pair."""
    try:
        yield
    except (psycopg.DataError, UnicodeEncodeError) as refusal:
        raise TextRefused("holds text that the database cannot store (a NUL or half a surrogate pair)") from refusal


async def _figures(cursor: AsyncCursor[Any], scope: tuple[str, int], chunk_ids: Sequence[str]) -> tuple[int, int]:
    await cursor.execute(_FIGURES, (*scope, list(chunk_ids)))
    ((chunks, length),) = await cursor.fetchall()
    return int(chunks), int(length)


def _row(chunk: Chunk) -> tuple[Any, ...]:
    return (
        chunk.chunk_id, chunk.document_id, chunk.title, list(chunk.heading_path), chunk.text, chunk.url, chunk.position,
        chunk.language, list(chunk.context),
    )  # fmt: skip


async def _returned_keys(cursor: AsyncCursor[Any], rows: Sequence[tuple[Any, ...]]) -> list[int]:
    await cursor.executemany(_UPSERT_CHUNK, rows, returning=True)
    return [row[0] async for result in cursor.results() for row in await result.fetchall()]


async def _delete_lexemes(cursor: AsyncCursor[Any], keys: Sequence[int]) -> None:
    """keys: of chunks that a statement bound to their tenant returned; each is one chunk's in the whole table."""
    await cursor.execute("DELETE FROM knowledge_lexemes WHERE chunk_key = ANY(%s)", (list(keys),))


@asynccontextmanager
async def _patient(connection: AsyncConnection[Any]) -> AsyncIterator[None]:
    """The pool's statement timeout is for questions; maintenance takes as long as it takes."""
    await connection.execute("SET statement_timeout = 0")
    await connection.execute("SET maintenance_work_mem = '512MB'")
    try:
        yield
    finally:
        if not connection.closed:
            await connection.execute("RESET statement_timeout")
            await connection.execute("RESET maintenance_work_mem")


def _graph(collection_id: int) -> sql.Identifier:
    return sql.Identifier(f"knowledge_graph_{collection_id}")


async def _build_graph(connection: AsyncConnection[Any], tenant: str, collection_id: int) -> None:
    """Concurrently, so writers of other collections go on; what an interrupted build left is dropped first."""
    cursor = connection.cursor()
    await cursor.execute(
        "SELECT vector_dims(embedding) FROM knowledge_vectors WHERE tenant = %s AND collection_id = %s LIMIT 1",
        (tenant, collection_id),
    )
    (row,) = await cursor.fetchall()
    name = _graph(collection_id)
    await cursor.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(name))
    await cursor.execute(
        sql.SQL(
            "CREATE INDEX CONCURRENTLY {} ON knowledge_vectors USING hnsw ((embedding::vector({})) vector_ip_ops)"
            " WHERE tenant = {} AND collection_id = {}"
        ).format(name, sql.Literal(row[0]), sql.Literal(tenant), sql.Literal(collection_id))
    )
    await cursor.execute(
        "UPDATE knowledge_collections SET graph = true WHERE tenant = %s AND collection_id = %s",
        (tenant, collection_id),
    )
