"""A ChunkIndex in a dictionary, for unit tests and as the plainest statement of what the other two must do.

Brute force: BM25 and cosine over every chunk of the collection. Keeps nothing when the process ends; the product never
chooses it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supportplane_runtime.domain.knowledge import Chunk
from supportplane_runtime.languages import language
from supportplane_runtime.rag.index.interfaces import Collection, Hit, IndexedChunk, Matches, Query, Stretch
from supportplane_runtime.rag.words.lexemes import lexemes, rarity, weight
from supportplane_runtime.rag.words.searchable import searchable_text


@dataclass(frozen=True, slots=True)
class _Row:
    chunk: Chunk
    vector: NDArray[np.float32]
    content_hash: str
    embedder: str
    lexemes: Counter[str]


class MemoryIndex:
    """Satisfies ChunkIndex."""

    def __init__(self) -> None:
        self._collections: dict[tuple[str, str, str], dict[str, _Row]] = {}

    def _rows(self, collection: Collection) -> dict[str, _Row]:
        return self._collections.setdefault(_place(collection), {})

    async def hashes(self, collection: Collection, embedder: str) -> dict[str, str]:
        rows = self._rows(collection)
        return {chunk_id: row.content_hash if row.embedder == embedder else "" for chunk_id, row in rows.items()}

    async def documents(self, collection: Collection) -> dict[str, str]:
        return {chunk_id: row.chunk.document_id for chunk_id, row in self._rows(collection).items()}

    async def upsert(self, collection: Collection, chunks: Sequence[IndexedChunk], embedder: str) -> None:
        for each in chunks:
            counts = lexemes(searchable_text(each.chunk), language(collection.language))
            row = _Row(each.chunk, each.vector, each.content_hash, embedder, counts)
            self._rows(collection)[each.chunk.chunk_id] = row

    async def relocate(self, collection: Collection, chunks: Sequence[tuple[Chunk, str]]) -> None:
        rows = self._rows(collection)
        for chunk, content_hash in chunks:
            rows[chunk.chunk_id] = replace(rows[chunk.chunk_id], chunk=chunk, content_hash=content_hash)

    async def delete(self, collection: Collection, chunk_ids: Sequence[str]) -> None:
        for chunk_id in chunk_ids:
            self._rows(collection).pop(chunk_id, None)

    async def drop(self, collection: Collection) -> None:
        self._collections.pop(_place(collection), None)

    async def keyword(self, collection: Collection, text: str, *, limit: int) -> list[Hit]:
        rows = list(self._rows(collection).values())
        wanted = lexemes(text, language(collection.language))
        rarities = await self.rarities(collection, list(wanted))
        average = sum(row.lexemes.total() for row in rows) / len(rows) if rows else 1.0
        hits = (
            Hit(row.chunk, sum(rarities[word] * _weight(row, word, average) for word in wanted if word in row.lexemes))
            for row in rows
        )
        return _best((hit for hit in hits if hit.score > 0), limit)

    async def nearest(self, collection: Collection, vector: NDArray[np.float32], *, limit: int) -> list[Hit]:
        rows = self._rows(collection).values()
        return _best((Hit(row.chunk, float(row.vector @ vector)) for row in rows), limit)

    async def rarities(self, collection: Collection, words: Sequence[str]) -> dict[str, float]:
        rows = self._rows(collection).values()
        return {word: rarity(len(rows), sum(word in row.lexemes for row in rows)) for word in words}

    async def search(
        self, collection: Collection, queries: Sequence[Query], *, words: Sequence[str], limit: int
    ) -> Matches:
        return Matches(
            keyword=tuple([await self.keyword(collection, query.text, limit=limit) for query in queries]),
            nearest=tuple([await self.nearest(collection, query.vector, limit=limit) for query in queries]),
            rarities=await self.rarities(collection, words),
            chunks=len(self._rows(collection)),
        )

    async def stretches(self, collection: Collection, stretches: Sequence[Stretch]) -> list[Chunk]:
        chunks = [row.chunk for row in self._rows(collection).values()]
        return [chunk for chunk in chunks if any(stretch.holds(chunk) for stretch in stretches)]

    async def count(self, collection: Collection) -> tuple[int, int]:
        rows = self._rows(collection)
        return len({row.chunk.document_id for row in rows.values()}), len(rows)

    async def optimize(self, collection: Collection) -> None:
        """Nothing to build."""

    async def close(self) -> None:
        """Nothing is open."""


def _place(collection: Collection) -> tuple[str, str, str]:
    return collection.tenant, collection.knowledge_base, collection.embedding


def _weight(row: _Row, word: str, average: float) -> float:
    return weight(row.lexemes[word], row.lexemes.total(), average)


def _best(hits: Iterable[Hit], limit: int) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.chunk_id))[:limit]
