"""The reading half of pgvector.py: all searches of a turn in three round trips to PostgreSQL.

First, in one statement, the collection's figures and how many chunks hold each word; then, in one pipeline, the best
chunks by BM25 for every text and the nearest for every vector; then each chunk that was found, once. Asked one by one,
the seven searches of a turn with a history cost 16 CPU-ms in this process instead of 10, most of it for statements and
repeated chunks.
What stands around the best chunks is one more statement.
"""

# ruff: noqa: S608  # statements are put together from constants of this module; values are always parameters

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
from supportplane_runtime.languages import language
from supportplane_runtime.rag.index.interfaces import Collection, Hit, Matches, Stretch
from supportplane_runtime.rag.words.lexemes import LENGTH_WEIGHT, TERM_SATURATION, lexemes, rarity

# HNSW: candidates while searching. pgvector's own 40 find too few of 50 wanted chunks.
GRAPH_CANDIDATES = 200

_FIGURES: LiteralString = "k.collection_id, k.chunks, greatest(k.lexemes, 1) / greatest(k.chunks, 1)::float8, k.graph"

STATE: LiteralString = f"""
SELECT {_FIGURES} FROM knowledge_collections k WHERE k.tenant = %s AND k.knowledge_base = %s AND k.embedding = %s
"""

# A row for each lexeme that is there, and one without a lexeme where none is.
_STATE_AND_CONTAINING: LiteralString = f"""
SELECT {_FIGURES}, asked.lexeme, asked.containing
FROM knowledge_collections k LEFT JOIN LATERAL (
    SELECT l.lexeme, count(*) AS containing FROM knowledge_lexemes l
    WHERE l.tenant = k.tenant AND l.collection_id = k.collection_id AND l.lexeme = ANY(%s) GROUP BY l.lexeme
) asked ON true
WHERE k.tenant = %s AND k.knowledge_base = %s AND k.embedding = %s
"""

# The formula of lexemes.weight, multiplied out: flat and slope hold what does not depend on the chunk.
_KEYWORD: LiteralString = """
(SELECT {number}, l.chunk_key, sum(
    asked.rarity * l.occurrences * %(most)s / (l.occurrences + %(flat)s + %(slope)s * l.length)
) AS score
FROM unnest({lexemes}::text[], {rarities}::float8[]) AS asked (lexeme, rarity) JOIN knowledge_lexemes l
    ON l.tenant = %(tenant)s AND l.collection_id = %(collection)s AND l.lexeme = asked.lexeme
GROUP BY l.chunk_key ORDER BY score DESC, l.chunk_key LIMIT %(limit)s)
"""

# All vectors have unit length, so the inner product is the cosine; <#> is its negative. The tenant and the number are
# constants: the planner finds a partial index, the collection's graph, by constants only.
_NEAREST: LiteralString = """
(SELECT {number}, chunk_key, -(embedding{cast} <#> {vector}) FROM knowledge_vectors
WHERE tenant = {tenant} AND collection_id = {collection} ORDER BY embedding{cast} <#> {vector} LIMIT %(limit)s)
"""

# Read by _chunk.
_COLUMNS: LiteralString = """
c.chunk_key, c.chunk_id, c.document_id, c.title, c.heading_path, c.content, c.url, c.position, c.language, c.context
"""

_CHUNKS: LiteralString = f"""
SELECT {_COLUMNS} FROM knowledge_chunks c WHERE c.tenant = %s AND c.collection_id = %s AND c.chunk_key = ANY(%s)
"""

# By the index of 0010_place_of_chunks.py.
_STRETCHES: LiteralString = f"""
SELECT {_COLUMNS}
FROM knowledge_collections k JOIN knowledge_chunks c ON c.tenant = k.tenant AND c.collection_id = k.collection_id
WHERE k.tenant = %s AND k.knowledge_base = %s AND k.embedding = %s AND left(c.document_id, 200) = ANY(%s) AND EXISTS (
    SELECT FROM unnest(%s::text[], %s::integer[], %s::integer[]) AS wanted (document_id, first, last)
    WHERE c.document_id = wanted.document_id AND c.position BETWEEN wanted.first AND wanted.last
)
"""

Ranking = list[tuple[int, int, float]]  # (number of the text or vector, chunk_key, score), in no order


@dataclass(frozen=True, slots=True)
class State:
    collection_id: int
    chunks: int
    average_length: float
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


def place(collection: Collection) -> tuple[str, str, str]:
    """What a statement needs to find the collection."""
    return collection.tenant, collection.knowledge_base, collection.embedding


async def find(connection: AsyncConnection[Any], collection: Collection, asked: Asked) -> Matches:
    cursor = connection.cursor(binary=True)
    texts = [list(lexemes(text, language(collection.language))) for text in asked.texts]
    words = {*asked.words, *(lexeme for each in texts for lexeme in each)}
    await cursor.execute(_STATE_AND_CONTAINING, (list(words), *place(collection)))
    rows = await cursor.fetchall()
    if not rows:
        return _nothing(asked)
    state = State(*rows[0][:4])
    containing: dict[str, int] = {lexeme: chunks for *_, lexeme, chunks in rows if lexeme is not None}
    rarities = {word: rarity(state.chunks, containing.get(word, 0)) for word in words}

    keyword, nearest = connection.cursor(binary=True), connection.cursor(binary=True)
    known = [{lexeme: rarities[lexeme] for lexeme in each if lexeme in containing} for each in texts]
    async with _one_trip(connection, widely=state.graph and bool(asked.vectors)):
        await _ask_keyword(keyword, collection.tenant, state, known, limit=asked.limit)
        await _ask_nearest(nearest, collection.tenant, state, asked.vectors, limit=asked.limit)
    by_words: Ranking = await keyword.fetchall() if any(known) else []
    by_meaning: Ranking = await nearest.fetchall() if asked.vectors else []
    chunks = await _chunks(cursor, collection.tenant, state, [key for _, key, _ in (*by_words, *by_meaning)])
    return Matches(
        keyword=_hits(len(texts), by_words, chunks),
        nearest=_hits(len(asked.vectors), by_meaning, chunks),
        rarities={word: rarities[word] for word in asked.words},
        chunks=state.chunks,
    )


async def find_stretches(
    connection: AsyncConnection[Any], collection: Collection, stretches: Sequence[Stretch]
) -> list[Chunk]:
    documents = [each.document_id for each in stretches]
    firsts, lasts = [each.first for each in stretches], [each.last for each in stretches]
    cursor = connection.cursor(binary=True)
    beginnings = list({each[:200] for each in documents})
    await cursor.execute(_STRETCHES, (*place(collection), beginnings, documents, firsts, lasts))
    return [_chunk(row) for row in await cursor.fetchall()]


def _nothing(asked: Asked) -> Matches:
    """For a collection that holds nothing."""
    rarities = {word: rarity(0, 0) for word in asked.words}
    return Matches(_hits(len(asked.texts), [], {}), _hits(len(asked.vectors), [], {}), rarities, chunks=0)


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
    cursor: AsyncCursor[Any], tenant: str, state: State, texts: Sequence[Mapping[str, float]], *, limit: int
) -> None:
    """texts: lexemes of each with their rarities; those without any are not asked about."""
    parts: list[sql.Composed] = []
    values: dict[str, Any] = {}
    for number, rarities in enumerate(texts):
        if rarities:
            lexemes_name, rarities_name = f"lexemes{number}", f"rarities{number}"
            values |= {lexemes_name: list(rarities), rarities_name: list(rarities.values())}
            parts.append(
                sql.SQL(_KEYWORD).format(
                    number=sql.Literal(number),
                    lexemes=sql.Placeholder(lexemes_name),
                    rarities=sql.Placeholder(rarities_name),
                )
            )
    if parts:
        scale = {
            "most": TERM_SATURATION + 1,
            "flat": TERM_SATURATION * (1 - LENGTH_WEIGHT),
            "slope": TERM_SATURATION * LENGTH_WEIGHT / state.average_length,
        }
        scope = {"tenant": tenant, "collection": state.collection_id, "limit": limit}
        await cursor.execute(sql.SQL(" UNION ALL ").join(parts), {**values, **scale, **scope})


async def _ask_nearest(
    cursor: AsyncCursor[Any], tenant: str, state: State, vectors: Sequence[NDArray[np.float32]], *, limit: int
) -> None:
    parts = [
        sql.SQL(_NEAREST).format(
            number=sql.Literal(number),
            vector=sql.Placeholder(f"vector{number}", format=PyFormat.BINARY),
            tenant=sql.Literal(tenant),
            collection=sql.Literal(state.collection_id),
            cast=sql.SQL("::vector({})").format(sql.Literal(len(vector))) if state.graph else sql.SQL(""),
        )
        for number, vector in enumerate(vectors)
    ]
    if parts:
        values = {f"vector{number}": Embedding(vector) for number, vector in enumerate(vectors)}
        await cursor.execute(sql.SQL(" UNION ALL ").join(parts), {**values, "limit": limit})


async def _chunks(cursor: AsyncCursor[Any], tenant: str, state: State, keys: Sequence[int]) -> dict[int, Chunk]:
    if not keys:
        return {}
    await cursor.execute(_CHUNKS, (tenant, state.collection_id, list(set(keys))))
    return {row[0]: _chunk(row) for row in await cursor.fetchall()}


def _chunk(row: Sequence[Any]) -> Chunk:
    _, chunk_id, document_id, title, heading_path, text, url, position, language, context = row
    return Chunk(chunk_id, document_id, title, tuple(heading_path), text, url, position, language, tuple(context))


def _hits(number: int, ranking: Ranking, chunks: Mapping[int, Chunk]) -> tuple[list[Hit], ...]:
    """For each text or vector its hits, best first. A chunk deleted between two trips is left out."""
    hits: tuple[list[Hit], ...] = tuple([] for _ in range(number))
    for which, key, score in ranking:
        if key in chunks:
            hits[which].append(Hit(chunks[key], score))
    for each in hits:
        each.sort(key=lambda hit: (-hit.score, hit.chunk.chunk_id))
    return hits
