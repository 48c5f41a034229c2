"""What makes vectors of texts. Implementation: local.py, on the embedded models."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]  # shape (n, dimensions), rows of unit length


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
    def of(self, model: str) -> Embedder:
        """The one of a model of the contract, the same for ingestion and for questions. Raises KnowledgeUnavailable."""
        ...

    async def close(self) -> None: ...
