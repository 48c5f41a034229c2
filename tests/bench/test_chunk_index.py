"""How long a search takes in PostgreSQL, by words and by meaning, in collections of made-up chunks.

`make bench` measures 1,000 and 10,000 chunks; SUPPORTPLANE_BENCH_CHUNKS=100000 adds one that needs a graph (building it
takes minutes), and prints how many of the true ten nearest the graph finds.
"""

import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from supportplane_runtime.domain.knowledge import Chunk
from supportplane_runtime.rag.index.interfaces import Collection, Hit, IndexedChunk
from supportplane_runtime.rag.index.pgvector import EXACT_UP_TO, PgVectorIndex

DIMENSIONS = 384
WORDS = 20_000
FUNCTION_WORDS = 50
WORDS_A_CHUNK = 120
BATCH = 500
SEARCHES = 200
SIZES = [1_000, 10_000, *(int(size) for size in os.environ.get("SUPPORTPLANE_BENCH_CHUNKS", "").split(",") if size)]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@dataclass(frozen=True, slots=True)
class Made:
    collection: Collection
    vectors: NDArray[np.float32]
    random: np.random.Generator


@pytest_asyncio.fixture(scope="module")
async def index(migrated_database_url: str) -> AsyncIterator[PgVectorIndex]:
    async with AsyncConnectionPool[AsyncConnection[Any]](migrated_database_url, min_size=4, open=False) as pool:
        yield PgVectorIndex(pool)


def words(random: np.random.Generator, number: int) -> str:
    """Frequent and rare ones as in a language (Zipf), without the most frequent, which are function words."""
    return " ".join(f"word{int(rank) % WORDS}x" for rank in random.zipf(1.2, number * 3) if rank > FUNCTION_WORDS)


def unit_vectors(random: np.random.Generator, number: int) -> NDArray[np.float32]:
    """In clusters, as texts about the same are: evenly spread ones would make every graph look bad."""
    centres = random.standard_normal((max(10, number // 100), DIMENSIONS))
    spread = centres[random.integers(0, len(centres), number)] + 0.6 * random.standard_normal((number, DIMENSIONS))
    return np.asarray(spread / np.linalg.norm(spread, axis=1, keepdims=True), np.float32)


async def fill(index: PgVectorIndex, size: int) -> Made:
    random = np.random.default_rng(size)
    made = Made(Collection("bench", f"chunks-{size}"), unit_vectors(random, size), random)
    for start in range(0, size, BATCH):
        rows = [
            IndexedChunk(
                Chunk(f"{n}", f"{n // 5}", "", (), words(random, WORDS_A_CHUNK), "", n), made.vectors[n], "h.h"
            )
            for n in range(start, min(size, start + BATCH))
        ]
        await index.upsert(made.collection, rows, "bench")
    await index.optimize(made.collection)
    return made


async def timings(search: Callable[[], Awaitable[object]]) -> str:
    taken_ms = []
    for _ in range(SEARCHES):
        started = time.perf_counter()
        await search()
        taken_ms.append((time.perf_counter() - started) * 1000)
    cuts = statistics.quantiles(taken_ms, n=100)
    return f"p50 {cuts[49]:7.2f} ms   p99 {cuts[98]:7.2f} ms"


def recall(made: Made, vector: NDArray[np.float32], hits: list[Hit]) -> float:
    exact = {str(n) for n in np.argsort(-(made.vectors @ vector))[:10]}
    return len(exact & {hit.chunk.chunk_id for hit in hits}) / 10


@pytest.mark.parametrize("size", SIZES)
async def test_searches(index: PgVectorIndex, size: int) -> None:
    started = time.perf_counter()
    made = await fill(index, size)
    print(f"\n{size:,} chunks written in {time.perf_counter() - started:.0f} s")
    questions = [words(made.random, 4) for _ in range(SEARCHES)]
    near = unit_vectors(made.random, SEARCHES) * 0.2 + made.vectors[made.random.integers(0, size, SEARCHES)]
    near = near / np.linalg.norm(near, axis=1, keepdims=True)
    turn = iter(questions), iter(near)
    by_words = await timings(lambda: index.keyword(made.collection, next(turn[0]), limit=50))
    by_meaning = await timings(lambda: index.nearest(made.collection, next(turn[1]), limit=50))
    found = [recall(made, vector, await index.nearest(made.collection, vector, limit=10)) for vector in near]
    kind = "graph" if size > EXACT_UP_TO else "exact"
    print(f"  by words     {by_words}\n  by meaning   {by_meaning}   {kind}, recall@10 {np.mean(found):.3f}")
    assert np.mean(found) >= 0.95
