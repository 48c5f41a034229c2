"""The ChunkIndex on PostgreSQL with pgvector: what an agent uses unless it is given a Weaviate.

Chosen in app.py, which also hands in the connection pool; the tables are those of migration 0002. Each batch is written
in one transaction, so a killed ingestion leaves whole batches and the next run goes on from there. BM25 is one scan of
the lexemes' index, with the formula of lexemes.py.

Vectors are compared one by one up to EXACT_UP_TO chunks (exact, no index to keep) and through a graph (HNSW) of the
collection's own above it; optimize() builds that after an ingestion. tests/bench/chunk_index.py measures both.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, LiteralString

import numpy as np
import psycopg
import structlog
from numpy.typing import NDArray
from psycopg import AsyncConnection, AsyncCursor, sql
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

from supportplane_runtime.domain.knowledge import Chunk
from supportplane_runtime.rag.chunking import searchable_text
from supportplane_runtime.rag.interfaces import Collection, Hit, IndexedChunk
from supportplane_runtime.rag.lexemes import LENGTH_WEIGHT, TERM_SATURATION, lexemes, rarity
from supportplane_runtime.rag.pgvector_session import Pool, answering, autocommit

log = structlog.get_logger(__name__)

EXACT_UP_TO = 20_000
# The pool's own timeout is for questions; removing a big knowledge base is one statement.
WRITE_TIMEOUT_S = 120
# HNSW: candidates kept while searching, pgvector's 40 gives too little recall for 50 wanted chunks.
CANDIDATES = 200

_TABLES = ("knowledge_collections", "knowledge_chunks", "knowledge_vectors", "knowledge_lexemes")
_COLUMNS: LiteralString = "c.chunk_id, c.document_id, c.title, c.heading_path, c.content, c.url, c.position, c.language"

_STATE = """
SELECT collection_id, chunks, greatest(lexemes, 1) / greatest(chunks, 1)::float8 AS average_length, graph
FROM knowledge_collections WHERE tenant = %s AND knowledge_base = %s
"""

_KEYWORD: LiteralString = """
WITH wanted AS (
    SELECT chunk_key, occurrences, length, count(*) OVER (PARTITION BY lexeme) AS containing
    FROM knowledge_lexemes
    WHERE tenant = %(tenant)s AND collection_id = %(collection)s AND lexeme = ANY(%(lexemes)s)
), best AS (
    SELECT chunk_key, sum(
        ln(1 + (%(chunks)s - containing + 0.5::float8) / (containing + 0.5))
        * occurrences * (%(k)s + 1)
        / (occurrences + %(k)s * (1 - %(b)s + %(b)s * length / %(average)s::float8))
    ) AS score
    FROM wanted GROUP BY chunk_key ORDER BY score DESC, chunk_key LIMIT %(limit)s
)
SELECT best.score, {columns} FROM best JOIN knowledge_chunks c
    ON c.tenant = %(tenant)s AND c.collection_id = %(collection)s AND c.chunk_key = best.chunk_key
ORDER BY best.score DESC, c.chunk_id
"""

# All vectors have unit length, so the inner product is the cosine; <#> is its negative.
_NEAREST: LiteralString = """
WITH best AS MATERIALIZED (
    SELECT chunk_key, embedding{cast} <#> %(vector)b AS distance FROM knowledge_vectors
    WHERE tenant = %(tenant)s AND collection_id = {collection}
    ORDER BY embedding{cast} <#> %(vector)b LIMIT %(limit)s
)
SELECT -best.distance, {columns} FROM best JOIN knowledge_chunks c
    ON c.tenant = %(tenant)s AND c.collection_id = {collection} AND c.chunk_key = best.chunk_key
ORDER BY best.distance, c.chunk_id
"""

_UPSERT_CHUNK = """
INSERT INTO knowledge_chunks (tenant, collection_id, chunk_id, document_id, title, heading_path, content, url, position,
    language, content_hash, embedder, length)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant, collection_id, chunk_id) DO UPDATE SET document_id = excluded.document_id, title = excluded.title,
    heading_path = excluded.heading_path, content = excluded.content, url = excluded.url, position = excluded.position,
    language = excluded.language, content_hash = excluded.content_hash, embedder = excluded.embedder,
    length = excluded.length
RETURNING chunk_key
"""

_UPSERT_VECTOR = """
INSERT INTO knowledge_vectors (tenant, collection_id, chunk_key, embedding) VALUES (%s, %s, %s, %b)
ON CONFLICT (tenant, collection_id, chunk_key) DO UPDATE SET embedding = excluded.embedding
"""

_COUNT_ANEW = """
UPDATE knowledge_collections SET (chunks, lexemes) = (
    SELECT count(*), coalesce(sum(length), 0) FROM knowledge_chunks WHERE tenant = %(tenant)s AND collection_id = %(id)s
) WHERE tenant = %(tenant)s AND collection_id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class _State:
    collection_id: int
    chunks: int
    average_length: float
    graph: bool


@dataclass(frozen=True, slots=True)
class _Embedding:
    """Marks an array to be sent in pgvector's own binary form: 384 numbers as text cost ten times as much to make."""

    values: NDArray[np.float32]


class _EmbeddingDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: _Embedding) -> Buffer:
        return len(obj.values).to_bytes(2, "big") + b"\0\0" + obj.values.astype(">f4").tobytes()


psycopg.adapters.register_dumper(_Embedding, _EmbeddingDumper)


class PgVectorIndex:
    """Satisfies ChunkIndex. pool: opened and closed by whoever made it."""

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

    async def upsert(self, collection: Collection, chunks: Sequence[IndexedChunk], embedder: str) -> None:
        if not chunks:
            return
        async with self._writing(collection) as (cursor, collection_id):
            scope = (collection.tenant, collection_id)
            counts = [lexemes(searchable_text(each.chunk), collection.language) for each in chunks]
            rows = [
                (*scope, *_row(each.chunk), each.content_hash, embedder, count.total())
                for each, count in zip(chunks, counts, strict=True)
            ]
            keys = await _returned_keys(cursor, rows)
            vectors = [(*scope, key, _Embedding(each.vector)) for key, each in zip(keys, chunks, strict=True)]
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
        async with self._writing(collection) as (cursor, collection_id):
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
        async with self._writing(collection) as (cursor, collection_id):
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

    async def keyword(self, collection: Collection, text: str, *, limit: int) -> list[Hit]:
        wanted = list(lexemes(text, collection.language))
        async with self._state(collection) as (cursor, state):
            if state is None or not wanted:
                return []
            values = {
                "tenant": collection.tenant, "collection": state.collection_id, "lexemes": wanted, "limit": limit,
                "chunks": state.chunks, "average": state.average_length, "k": TERM_SATURATION, "b": LENGTH_WEIGHT,
            }  # fmt: skip
            await cursor.execute(sql.SQL(_KEYWORD).format(columns=sql.SQL(_COLUMNS)), values)
            return [_hit(row) for row in await cursor.fetchall()]

    async def nearest(self, collection: Collection, vector: NDArray[np.float32], *, limit: int) -> list[Hit]:
        async with self._state(collection) as (cursor, state):
            if state is None:
                return []
            values = {"tenant": collection.tenant, "vector": _Embedding(vector), "limit": limit}
            async with cursor.connection.transaction() if state.graph else nullcontext():
                if state.graph:
                    await _search_widely(cursor)
                await cursor.execute(_nearest_query(state, len(vector)), values)
            return [_hit(row) for row in await cursor.fetchall()]

    async def rarities(self, collection: Collection, words: Sequence[str]) -> dict[str, float]:
        async with self._state(collection) as (cursor, state):
            if state is None:
                return {word: rarity(0, 0) for word in words}
            await cursor.execute(
                "SELECT lexeme, count(*) FROM knowledge_lexemes"
                " WHERE tenant = %s AND collection_id = %s AND lexeme = ANY(%s) GROUP BY lexeme",
                (collection.tenant, state.collection_id, list(words)),
            )
            containing = dict(await cursor.fetchall())
        return {word: rarity(state.chunks, containing.get(word, 0)) for word in words}

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
        """The pool is closed by whoever made it."""

    @asynccontextmanager
    async def _state(self, collection: Collection) -> AsyncIterator[tuple[AsyncCursor[Any], _State | None]]:
        """A cursor, and the collection's figures, None when nothing was ever written to it."""
        async with answering(), self._pool.connection() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(_STATE, (collection.tenant, collection.knowledge_base))
            row = await cursor.fetchone()
            yield cursor, _State(*row) if row else None

    @asynccontextmanager
    async def _writing(self, collection: Collection) -> AsyncIterator[tuple[AsyncCursor[Any], int]]:
        """A transaction that holds the collection's row: writers queue and its figures stay right."""
        async with answering(), self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            await cursor.execute(f"SET LOCAL statement_timeout = '{WRITE_TIMEOUT_S}s'")
            await cursor.execute(
                "INSERT INTO knowledge_collections (tenant, knowledge_base) VALUES (%s, %s)"
                " ON CONFLICT (tenant, knowledge_base) DO UPDATE SET chunks = knowledge_collections.chunks"
                " RETURNING collection_id",
                (collection.tenant, collection.knowledge_base),
            )
            (row,) = await cursor.fetchall()
            yield cursor, row[0]
            await cursor.execute(_COUNT_ANEW, {"tenant": collection.tenant, "id": row[0]})


def _row(chunk: Chunk) -> tuple[Any, ...]:
    return (
        chunk.chunk_id, chunk.document_id, chunk.title, list(chunk.heading_path), chunk.text, chunk.url, chunk.position,
        chunk.language,
    )  # fmt: skip


def _hit(row: Sequence[Any]) -> Hit:
    score, chunk_id, document_id, title, heading_path, text, url, position, language = row
    return Hit(
        Chunk(
            chunk_id=chunk_id, document_id=document_id, title=title, heading_path=tuple(heading_path), text=text,
            url=url, position=position, language=language,
        ),
        float(score),
    )  # fmt: skip


async def _returned_keys(cursor: AsyncCursor[Any], rows: Sequence[tuple[Any, ...]]) -> list[int]:
    await cursor.executemany(_UPSERT_CHUNK, rows, returning=True)
    return [row[0] async for result in cursor.results() for row in await result.fetchall()]


async def _delete_lexemes(cursor: AsyncCursor[Any], keys: Sequence[int]) -> None:
    """keys: of chunks that a statement bound to their tenant returned; each is one chunk's in the whole table."""
    await cursor.execute("DELETE FROM knowledge_lexemes WHERE chunk_key = ANY(%s)", (list(keys),))


def _nearest_query(state: _State, dimensions: int) -> sql.Composed:
    """With the collection's number written out where a graph is: a partial index is found by constants only."""
    cast = sql.SQL("::vector({})").format(sql.Literal(dimensions)) if state.graph else sql.SQL("")
    return sql.SQL(_NEAREST).format(cast=cast, collection=sql.Literal(state.collection_id), columns=sql.SQL(_COLUMNS))


async def _search_widely(cursor: AsyncCursor[Any]) -> None:
    await cursor.execute(
        "SELECT set_config('hnsw.ef_search', %s, true), set_config('hnsw.iterative_scan', 'strict_order', true)",
        (str(CANDIDATES),),
    )


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


async def _build_graph(connection: AsyncConnection[Any], tenant: str, collection_id: int) -> None:
    """Concurrently, so writers of other collections go on; what an interrupted build left is dropped first."""
    cursor = connection.cursor()
    await cursor.execute(
        "SELECT vector_dims(embedding) FROM knowledge_vectors WHERE tenant = %s AND collection_id = %s LIMIT 1",
        (tenant, collection_id),
    )
    (row,) = await cursor.fetchall()
    name = sql.Identifier(f"knowledge_graph_{collection_id}")
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
