"""What retrieval needs from the outside: an embedder and a chunk index; and what it offers to the orchestrator.

Implementations: embedding/local.py (Embedder); index/ (ChunkIndex: one conformance suite); search/retriever.py
(Retriever).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from supportplane_runtime.domain.conversation import Message
from supportplane_runtime.domain.knowledge import Chunk, Evidence

Vectors = NDArray[np.float32]  # shape (n, dimensions), rows of unit length


class TextRefused(Exception):
    """What a passage says cannot be stored: the fault of its document, and of no part. Says why, without the text."""


class Embedder(Protocol):
    @property
    def name(self) -> str:
        """Model and version; stored beside every vector, a change re-embeds."""
        ...

    @property
    def dimensions(self) -> int: ...

    @property
    def unrelated(self) -> float:
        """Cosine that texts have which have nothing to do with each other; fusion counts from here."""
        ...

    async def queries(self, texts: Sequence[str]) -> Vectors: ...

    async def passages(self, texts: Sequence[str]) -> Vectors: ...

    async def close(self) -> None: ...


class Embedders(Protocol):
    def of(self, language: str) -> Embedder:
        """The one for a knowledge base's language, the same for ingestion and for questions."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Collection:
    """Where chunks live: one knowledge base of one tenant. language: how its words and questions to it are stemmed."""

    tenant: str
    knowledge_base: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A chunk as it is written. content_hash: see chunking.content_hash."""

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
class Matches:
    """keyword and nearest: the hits of each query, in the order asked. rarities: of the words asked for."""

    keyword: tuple[list[Hit], ...]
    nearest: tuple[list[Hit], ...]
    rarities: dict[str, float]


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

    async def keyword(self, collection: Collection, text: str, *, limit: int) -> list[Hit]:
        """Best first by BM25 over stemmed title, headings and text."""
        ...

    async def nearest(self, collection: Collection, vector: NDArray[np.float32], *, limit: int) -> list[Hit]:
        """Best first by cosine, exact or with recall@10 >= 0.95 against exact."""
        ...

    async def rarities(self, collection: Collection, words: Sequence[str]) -> dict[str, float]:
        """lexemes.rarity of each lexeme, those that no chunk holds included."""
        ...

    async def search(
        self, collection: Collection, queries: Sequence[Query], *, words: Sequence[str], limit: int
    ) -> Matches:
        """Keyword and nearest of every query, and rarities of the words, asked at once: a turn's whole search."""
        ...

    async def count(self, collection: Collection) -> tuple[int, int]:
        """(documents, chunks); a document whose first chunk is not there yet may be left out."""
        ...

    async def optimize(self, collection: Collection) -> None:
        """Called after an ingestion that changed something: build what makes a big collection fast."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found for a question. evidence: best first. confidence: 0..1 that the evidence answers the question."""

    question: str
    evidence: tuple[Evidence, ...]
    confidence: float
    in_scope: float  # 0..1 that the question belongs to what this knowledge is about at all
    rarities: Mapping[str, float] = field(default_factory=dict)  # of the question's lexemes; sentences are chosen by it


class Retriever(Protocol):
    async def retrieve(self, question: str, history: Sequence[Message], *, limit: int) -> Retrieval: ...
