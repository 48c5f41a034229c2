"""A store of passages with two searches.

Implementations: pgvector.py, weaviate.py, memory.py; one conformance suite passes on all three.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from supportplane_runtime.domain.knowledge import Chunk


class TextRefused(Exception):
    """What a passage says cannot be stored: the fault of its document, and of no part. Says why, without the text."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Where chunks live: one knowledge base of one tenant, as one model embeds it.

    language: how its words and questions to it are stemmed. embedding: the model, as the contract names it; while a
    knowledge base is embedded anew, there is a collection of each (rag/search/switching.py).
    """

    tenant: str
    knowledge_base: str
    language: str = "en"
    embedding: str = "MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A chunk as it is written. content_hash: see words/searchable.py."""

    chunk: Chunk
    vector: NDArray[np.float32]
    content_hash: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked chunk of one search; score is BM25 or cosine, by the method called."""

    chunk: Chunk
    score: float


@dataclass(frozen=True, slots=True)
class Query:
    """A text to search by, and its vector."""

    text: str
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Stretch:
    """The chunks of a document whose position is from first to last, both included."""

    document_id: str
    first: int
    last: int

    def holds(self, chunk: Chunk) -> bool:
        return chunk.document_id == self.document_id and self.first <= chunk.position <= self.last


@dataclass(frozen=True, slots=True)
class Matches:
    """keyword and nearest: the hits of each query, in the order asked. rarities: of the words asked for.

    chunks: how many the collection has.
    """

    keyword: tuple[list[Hit], ...]
    nearest: tuple[list[Hit], ...]
    rarities: dict[str, float]
    chunks: int


class ChunkIndex(Protocol):
    """A store of chunks with two searches; rag/search/fusion.py fuses them, so every index ranks alike."""

    async def hashes(self, collection: Collection, embedder: str) -> dict[str, str]:
        """chunk_id -> content_hash of every chunk; "" for one that another embedder embedded."""
        ...

    async def documents(self, collection: Collection) -> dict[str, str]:
        """chunk_id -> document_id of every chunk."""
        ...

    async def upsert(self, collection: Collection, chunks: Sequence[IndexedChunk], embedder: str) -> None:
        """Write a batch, all of it or nothing; the searches see it when this returns. Raises TextRefused."""
        ...

    async def relocate(self, collection: Collection, chunks: Sequence[tuple[Chunk, str]]) -> None:
        """Chunks whose text stayed but whose url or position changed, each with its new content_hash; keeps vectors."""
        ...

    async def delete(self, collection: Collection, chunk_ids: Sequence[str]) -> None: ...

    async def drop(self, collection: Collection) -> None:
        """Everything of the collection at once; a search sees all of it or nothing."""
        ...

    async def keyword(self, collection: Collection, text: str, *, limit: int) -> list[Hit]:
        """Best first by BM25 over stemmed title, context, headings and text."""
        ...

    async def nearest(self, collection: Collection, vector: NDArray[np.float32], *, limit: int) -> list[Hit]:
        """Best first by cosine, exact or with recall@10 >= 0.95 against exact."""
        ...

    async def rarities(self, collection: Collection, words: Sequence[str]) -> dict[str, float]:
        """words.lexemes.rarity of each lexeme, those that no chunk holds included."""
        ...

    async def search(
        self, collection: Collection, queries: Sequence[Query], *, words: Sequence[str], limit: int
    ) -> Matches:
        """Keyword and nearest of every query, and rarities of the words, asked at once: a turn's whole search."""
        ...

    async def stretches(self, collection: Collection, stretches: Sequence[Stretch]) -> list[Chunk]:
        """The chunks in any of the stretches, each once, in no order."""
        ...

    async def count(self, collection: Collection) -> tuple[int, int]:
        """(documents, chunks); a document whose first chunk is not there yet may be left out."""
        ...

    async def optimize(self, collection: Collection) -> None:
        """Called after an ingestion that changed something: build what makes a big collection fast."""
        ...

    async def close(self) -> None: ...
