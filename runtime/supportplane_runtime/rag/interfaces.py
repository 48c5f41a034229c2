"""What retrieval needs from the outside: an embedder and a chunk index; and what it offers to the orchestrator.

Implementations: embedding.py (Embedder); pgvector.py, weaviate.py, memory.py (ChunkIndex: one conformance suite);
retriever.py (Retriever).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from supportplane_runtime.domain.conversation import Message
from supportplane_runtime.domain.knowledge import Chunk, Evidence

Vectors = NDArray[np.float32]  # shape (n, dimensions), rows of unit length


class Embedder(Protocol):
    @property
    def name(self) -> str:
        """Model and version; stored beside every vector, a change re-embeds."""
        ...

    @property
    def dimensions(self) -> int: ...

    async def queries(self, texts: Sequence[str]) -> Vectors: ...

    async def passages(self, texts: Sequence[str]) -> Vectors: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Collection:
    """Where chunks live: one knowledge base of one tenant."""

    tenant: str
    knowledge_base: str


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A chunk as it is written. content_hash covers everything that is searched or embedded."""

    chunk: Chunk
    vector: NDArray[np.float32]
    content_hash: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked chunk of one search; score is BM25 or cosine, by the method called."""

    chunk: Chunk
    score: float


class ChunkIndex(Protocol):
    """A store of chunks with two searches; fusing them is rag/fusion.py's business, so every index ranks alike."""

    async def hashes(self, collection: Collection, embedder: str) -> dict[str, str]:
        """chunk_id -> content_hash of everything indexed with this embedder."""
        ...

    async def upsert(self, collection: Collection, chunks: Sequence[IndexedChunk], embedder: str) -> None: ...

    async def delete(self, collection: Collection, chunk_ids: Sequence[str]) -> None: ...

    async def keyword(self, collection: Collection, text: str, *, limit: int) -> list[Hit]:
        """Best first by BM25 over stemmed title, headings and text."""
        ...

    async def nearest(self, collection: Collection, vector: NDArray[np.float32], *, limit: int) -> list[Hit]:
        """Best first by cosine, exact or with recall@10 >= 0.95 against exact."""
        ...

    async def count(self, collection: Collection) -> tuple[int, int]:
        """(documents, chunks)."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found for a question. evidence: best first. confidence: 0..1 that the evidence answers the question."""

    question: str
    evidence: tuple[Evidence, ...]
    confidence: float
    in_scope: float  # 0..1 that the question belongs to what this knowledge is about at all


class Retriever(Protocol):
    async def retrieve(self, question: str, history: Sequence[Message], *, limit: int) -> Retrieval: ...
