"""Texts to vectors with the embedded models, on threads beside the event loop.

Chosen in app/, for the serving process and for ingestion. Threads, not a process or a server: both engines let go of
the interpreter lock, share their weights, and a question saves the hop. English has a model of its own, smaller, faster
and as good at it as the multilingual one; the knowledge base says which is used (spec.embedding).
"""

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from supportplane_crds import EmbeddingModel
from supportplane_runtime import metrics
from supportplane_runtime.errors import KnowledgeUnavailable
from supportplane_runtime.rag.embedding.e5 import E5Encoder
from supportplane_runtime.rag.embedding.interfaces import Embedder, Vectors
from supportplane_runtime.rag.embedding.minilm import MiniLMEncoder

# 1.5 KB each: 3 MB for the questions that come again (the views of a conversation, retries, frequent ones).
REMEMBERED_QUERIES = 2048


class Encoder(Protocol):
    """A model; both calls may run on several threads at once and return unit length."""

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    @property
    def unrelated(self) -> float: ...

    def query(self, text: str) -> NDArray[np.float32]: ...

    def passage(self, text: str) -> NDArray[np.float32]: ...


class LocalEmbedder:
    """Satisfies Embedder. Questions and passages have threads of their own: a question never waits for an ingestion.

    threads: for questions. Passages take every core, because an ingestion is waited for.
    """

    def __init__(self, encoder: Encoder, *, threads: int) -> None:
        self.name = encoder.name
        self.dimensions = encoder.dimensions
        self.unrelated = encoder.unrelated
        self._encoder = encoder
        self._query_threads = ThreadPoolExecutor(threads, thread_name_prefix="embed-query")
        self._passage_threads = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="embed-passage")
        self._remembered: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    async def queries(self, texts: Sequence[str]) -> Vectors:
        found = {text: self._remembered[text] for text in texts if text in self._remembered}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        found.update(zip(new, await _each(self._query_threads, self._encoder.query, new), strict=True))
        self._remember(found)
        return self._stack([found[text] for text in texts])

    async def passages(self, texts: Sequence[str]) -> Vectors:
        return self._stack(await _each(self._passage_threads, self._encoder.passage, texts))

    async def close(self) -> None:
        for threads in (self._query_threads, self._passage_threads):
            threads.shutdown(wait=False, cancel_futures=True)

    def _remember(self, vectors: dict[str, NDArray[np.float32]]) -> None:
        for text, vector in vectors.items():
            self._remembered[text] = vector
            self._remembered.move_to_end(text)
        while len(self._remembered) > REMEMBERED_QUERIES:
            self._remembered.popitem(last=False)

    def _stack(self, vectors: Sequence[NDArray[np.float32]]) -> Vectors:
        return cast("Vectors", np.stack(vectors)) if vectors else np.empty((0, self.dimensions), np.float32)


class LocalEmbedders:
    """Satisfies Embedders. A model is loaded when it is first asked for: 23 MB MiniLM-L6-v2, 72 MB the other."""

    def __init__(self, *, threads: int) -> None:
        self._threads = threads
        self._loaded: dict[str, LocalEmbedder] = {}

    def of(self, model: str) -> Embedder:
        if model not in self._loaded:
            self._loaded[model] = LocalEmbedder(_load(_encoder(model)), threads=self._threads)
        return self._loaded[model]

    async def close(self) -> None:
        for embedder in self._loaded.values():
            await embedder.close()


def _encoder(model: str) -> Callable[[], Encoder]:
    kinds: Mapping[str, Callable[[], Encoder]] = {
        EmbeddingModel.MINILM: MiniLMEncoder,
        EmbeddingModel.E5: E5Encoder,
    }
    if model not in kinds:
        raise KnowledgeUnavailable(f"this release has no embedding model {model}", retry_after_s=None)
    return kinds[model]


def _load(kind: Callable[[], Encoder]) -> Encoder:
    try:
        return kind()
    # onnxruntime raises classes of its own that derive from RuntimeError or Exception alike.
    except Exception as failure:
        raise KnowledgeUnavailable(f"the embedding model cannot be loaded: {failure}", retry_after_s=None) from failure


async def _each(
    threads: ThreadPoolExecutor, encode: Callable[[str], NDArray[np.float32]], texts: Sequence[str]
) -> list[NDArray[np.float32]]:
    """One call a text: with one thread a call a batch saves nothing, and this way it spreads over the threads."""
    loop = asyncio.get_running_loop()
    # A lone half of a surrogate pair has no UTF-8, which both tokenizers want.
    clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
    return await asyncio.gather(*(loop.run_in_executor(threads, _counted, encode, text) for text in clean))


def _counted(encode: Callable[[str], NDArray[np.float32]], text: str) -> NDArray[np.float32]:
    """Encode, and count what it costs: with one thread a call, this thread's time is all of it."""
    began = time.thread_time()
    try:
        return encode(text)
    finally:
        metrics.EMBEDDING_CPU_SECONDS.inc(time.thread_time() - began)
