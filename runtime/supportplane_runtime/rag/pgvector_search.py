"""The reading half of pgvector.py: all searches of a turn in two round trips to PostgreSQL.

First, in one pipeline: the collection's figures with how many chunks hold each word, the best chunks by BM25 for every
text, the nearest for every vector. Then each chunk that was found, once. Asked one by one, the seven searches of a turn
with a history cost 16 CPU-ms in this process, most of it for statements and for the same chunks again and again.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import AsyncConnection, AsyncCursor, sql
from psycopg.adapt import Buffer, Dumper, PyFormat
from psycopg.pq import Format

from supportplane_runtime.domain.knowledge import Chunk
from supportplane_runtime.rag.interfaces import Collection, Hit, Matches
from supportplane_runtime.rag.lexemes import LENGTH_WEIGHT, TERM_SATURATION, lexemes, rarity

# HNSW: candidates while searching. pgvector's own 40 find too few of 50 wanted chunks.
GRAPH_CANDIDATES = 200

STATE: LiteralString = """
SELECT collection_id, chunks, graph FROM knowledge_collections WHERE tenant = %s AND knowledge_base = %s
"""

_COUNTS: LiteralString = """
SELECT s.collection_id, s.chunks, s.graph, counted.lexeme, counted.containing
FROM knowledge_collections s LEFT JOIN LATERAL (
    SELECT l.lexeme, count(*) AS containing FROM knowledge_lexemes l
    WHERE l.tenant = s.tenant AND l.collection_id = s.collection_id AND l.lexeme = ANY(%(words)s) GROUP BY l.lexeme
) counted ON true
WHERE s.tenant = %(tenant)s AND s.knowledge_base = %(knowledge_base)s
"""

# The formula of lexemes.py. Postings of a word that several texts have are read once.
_KEYWORD: LiteralString = """
WITH postings AS (
    SELECT l.lexeme, l.chunk_key, l.occurrences, l.length, s.chunks,
        greatest(s.lexemes, 1) / greatest(s.chunks, 1)::float8 AS average,
        count(*) OVER (PARTITION BY l.lexeme)::float8 AS containing
    FROM knowledge_collections s JOIN knowledge_lexemes l
        ON l.tenant = s.tenant AND l.collection_id = s.collection_id AND l.lexeme = ANY(%(lexemes)s)
    WHERE s.tenant = %(tenant)s AND s.knowledge_base = %(knowledge_base)s
), weighted AS MATERIALIZED (
    SELECT lexeme, chunk_key, ln(1 + (chunks - containing + 0.5) / (containing + 0.5)) * occurrences * (%(k)s + 1)
        / (occurrences + %(k)s * (1 - %(b)s + %(b)s * length / average)) AS weight
    FROM postings
), ranked AS (
    SELECT asked.number, chunk_key, sum(weight) AS score,
        row_number() OVER (PARTITION BY asked.number ORDER BY sum(weight) DESC, chunk_key) AS place
    FROM unnest(%(numbers)s, %(lexemes)s) AS asked (number, lexeme) JOIN weighted USING (lexeme)
    GROUP BY asked.number, chunk_key
)
SELECT number, chunk_key, score FROM ranked WHERE place <= %(limit)s
"""

# All vectors have unit length, so the inner product is the cosine; <#> is its negative.
_NEAREST: LiteralString = """
(SELECT {number}, chunk_key, -(embedding{cast} <#> {vector}) FROM knowledge_vectors
WHERE tenant = %(tenant)s AND collection_id = {collection} ORDER BY embedding{cast} <#> {vector} LIMIT %(limit)s)
"""
_COLLECTION: LiteralString = """
(SELECT collection_id FROM knowledge_collections WHERE tenant = %(tenant)s AND knowledge_base = %(knowledge_base)s)
"""

_CHUNKS: LiteralString = """
SELECT chunk_key, chunk_id, document_id, title, heading_path, content, url, position, language
FROM knowledge_chunks WHERE tenant = %s AND collection_id = %s AND chunk_key = ANY(%s)
"""

Ranking = list[tuple[int, int, float]]  # (number of the text or vector, chunk_key, score), in no order


@dataclass(frozen=True, slots=True)
class State:
    collection_id: int
    chunks: int
    graph: bool


@dataclass(frozen=True, slots=True)
class Asked:
    texts: Sequence[str] = field(default=())
    vectors: Sequence[NDArray[np.float32]] = field(default=())
    words: Sequence[str] = field(default=())
    limit: int = 1


@dataclass(frozen=True, slots=True)
class Embedding:
    """Marks an array to be sent in pgvector's own binary form: 384 numbers as text cost ten times as much to make."""

    values: NDArray[np.float32]


class _EmbeddingDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Embedding) -> Buffer:
        return len(obj.values).to_bytes(2, "big") + b"\0\0" + obj.values.astype(">f4").tobytes()


psycopg.adapters.register_dumper(Embedding, _EmbeddingDumper)


async def find(
    connection: AsyncConnection[Any], collection: Collection, asked: Asked, *, graph: int | None
) -> tuple[State | None, Matches]:
    """graph: the collection_id when it is known to have a graph, which needs the number written into the statement."""
    values = {"tenant": collection.tenant, "knowledge_base": collection.knowledge_base, "limit": asked.limit}
    counting, keyword, nearest = (connection.cursor(binary=True) for _ in range(3))
    has_lexemes = False
    async with _one_trip(connection, widely=graph is not None and bool(asked.vectors)):
        await counting.execute(_COUNTS, {**values, "words": list(asked.words)})
        if asked.texts:
            has_lexemes = await _ask_keyword(keyword, asked.texts, collection.language, values)
        if asked.vectors:
            await _ask_nearest(nearest, asked.vectors, graph, values)
    state, counts = _state(await counting.fetchall())
    by_words: Ranking = await keyword.fetchall() if has_lexemes else []
    by_meaning: Ranking = await nearest.fetchall() if asked.vectors else []
    chunks = await _chunks(counting, collection, state, [key for _, key, _ in (*by_words, *by_meaning)])
    matches = Matches(
        keyword=_hits(len(asked.texts), by_words, chunks),
        nearest=_hits(len(asked.vectors), by_meaning, chunks),
        rarities={word: rarity(state.chunks if state else 0, counts.get(word, 0)) for word in asked.words},
    )
    return state, matches


@asynccontextmanager
async def _one_trip(connection: AsyncConnection[Any], *, widely: bool) -> AsyncIterator[None]:
    if not widely:
        async with connection.pipeline():
            yield
        return
    async with connection.transaction(), connection.pipeline():
        await connection.execute(
            "SELECT set_config('hnsw.ef_search', %s, true), set_config('hnsw.iterative_scan', 'strict_order', true)",
            (str(GRAPH_CANDIDATES),),
        )
        yield


async def _ask_keyword(
    cursor: AsyncCursor[Any], texts: Sequence[str], language: str, values: Mapping[str, Any]
) -> bool:
    """False when the texts hold nothing to search for, and nothing was asked."""
    wanted = [(number, lexeme) for number, text in enumerate(texts) for lexeme in lexemes(text, language)]
    if not wanted:
        return False
    numbers, words = zip(*wanted, strict=True)
    extra = {"numbers": list(numbers), "lexemes": list(words), "k": TERM_SATURATION, "b": LENGTH_WEIGHT}
    await cursor.execute(_KEYWORD, {**values, **extra})
    return True


async def _ask_nearest(
    cursor: AsyncCursor[Any], vectors: Sequence[NDArray[np.float32]], graph: int | None, values: Mapping[str, Any]
) -> None:
    names = [f"vector{number}" for number in range(len(vectors))]
    parts = [
        sql.SQL(_NEAREST).format(
            number=sql.Literal(number),
            vector=sql.Placeholder(name, format=PyFormat.BINARY),
            collection=sql.SQL(_COLLECTION) if graph is None else sql.Literal(graph),
            cast=sql.SQL("") if graph is None else sql.SQL("::vector({})").format(sql.Literal(len(vectors[number]))),
        )
        for number, name in enumerate(names)
    ]
    embeddings = {name: Embedding(vector) for name, vector in zip(names, vectors, strict=True)}
    await cursor.execute(sql.SQL(" UNION ALL ").join(parts), {**values, **embeddings})


def _state(rows: Sequence[Any]) -> tuple[State | None, dict[str, int]]:
    if not rows:
        return None, {}
    return State(*rows[0][:3]), {lexeme: containing for *_, lexeme, containing in rows if lexeme is not None}


async def _chunks(
    cursor: AsyncCursor[Any], collection: Collection, state: State | None, keys: Sequence[int]
) -> dict[int, Chunk]:
    if state is None or not keys:
        return {}
    await cursor.execute(_CHUNKS, (collection.tenant, state.collection_id, list(set(keys))))
    return {row[0]: _chunk(row) for row in await cursor.fetchall()}


def _chunk(row: Sequence[Any]) -> Chunk:
    _, chunk_id, document_id, title, heading_path, text, url, position, language = row
    return Chunk(chunk_id, document_id, title, tuple(heading_path), text, url, position, language)


def _hits(number: int, ranking: Ranking, chunks: Mapping[int, Chunk]) -> tuple[list[Hit], ...]:
    """For each text or vector its hits, best first. A chunk that was deleted between the two trips is left out."""
    hits: tuple[list[Hit], ...] = tuple([] for _ in range(number))
    for which, key, score in ranking:
        if key in chunks:
            hits[which].append(Hit(chunks[key], score))
    for each in hits:
        each.sort(key=lambda hit: (-hit.score, hit.chunk.chunk_id))
    return hits
