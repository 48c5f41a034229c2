"""Brings a collection to what its documents say now: only changed passages are embedded, removed ones deleted.

Called by the `knowledge` role and by `supportplane eval`, with the documents reading.py found. Every batch is written
whole, so an ingestion that is killed leaves a usable index and the next one goes on where it stopped.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from supportplane_runtime.domain.knowledge import Chunk, Document
from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.rag.chunking import chunk_document, content_hash, searchable_text
from supportplane_runtime.rag.ingest_lock import IngestionLock
from supportplane_runtime.rag.interfaces import ChunkIndex, Collection, Embedder, Embedders, IndexedChunk
from supportplane_runtime.rag.reading import Reading, Skipped

# Small enough for progress every second or two, big enough that a transaction costs nothing beside the embedding.
BATCH = 32


@dataclass(frozen=True, slots=True)
class Progress:
    """done of total: documents while cutting, passages while embedding. eta_s: None while there is nothing to go by."""

    step: Literal["waiting", "cutting", "embedding"]
    done: int
    total: int
    eta_s: float | None = None


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What the collection holds now and what this run did. chunks = embedded + unchanged."""

    documents: int
    chunks: int
    embedded: int
    unchanged: int
    deleted: int
    skipped: tuple[Skipped, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class IngestionParts:
    """What an ingestion works with, the same for every collection."""

    index: ChunkIndex
    embedders: Embedders
    lock: IngestionLock


@dataclass(frozen=True, slots=True)
class _Difference:
    """Between what is indexed and what the documents say. stale: from another embedder, comparable with nothing."""

    new: list[tuple[Chunk, str]] = field(default_factory=list)
    moved: list[tuple[Chunk, str]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)


async def ingest(
    collection: Collection, reading: Reading, parts: IngestionParts, *, progress: Callable[[Progress], None]
) -> IngestReport:
    """Raises InvalidRequest, before anything is deleted, when not a single document could be read.

    One ingestion of a collection runs at a time; a second says "waiting" and then finds little left to do.
    """
    if not reading.documents:
        raise InvalidRequest(f"{collection.knowledge_base}: no document could be read{_reasons(reading.skipped)}")
    started = time.monotonic()
    embedder = parts.embedders.of(collection.language)
    async with parts.lock.held(collection, lambda: progress(Progress("waiting", 0, 0))):
        progress(Progress("cutting", 0, len(reading.documents)))
        chunks = await asyncio.to_thread(_cut, reading.documents)
        difference = _compare(chunks, await parts.index.hashes(collection, embedder.name))
        await parts.index.delete(collection, difference.stale)
        await _embed(collection, difference.new, parts.index, embedder, progress=progress)
        await parts.index.relocate(collection, difference.moved)
        await parts.index.delete(collection, difference.gone)
        if difference.new:
            await parts.index.optimize(collection)
        documents, total = await parts.index.count(collection)
    return IngestReport(
        documents=documents,
        chunks=total,
        embedded=len(difference.new),
        unchanged=total - len(difference.new),
        deleted=len(difference.gone),
        skipped=reading.skipped,
        seconds=time.monotonic() - started,
    )


def _reasons(skipped: Sequence[Skipped]) -> str:
    """The first few, a sentence has an end."""
    return "".join(f"; {each.name} {each.reason}" for each in skipped[:3])


def _cut(documents: Sequence[Document]) -> list[tuple[Chunk, str]]:
    chunks = [chunk for document in documents for chunk in chunk_document(document)]
    return [(chunk, content_hash(chunk)) for chunk in chunks]


def _compare(chunks: Sequence[tuple[Chunk, str]], indexed: dict[str, str]) -> _Difference:
    difference = _Difference(stale=[chunk_id for chunk_id, known in indexed.items() if not known])
    for chunk, current in chunks:
        known = indexed.get(chunk.chunk_id, "")
        if known.partition(".")[0] != current.partition(".")[0]:
            difference.new.append((chunk, current))
        elif known != current:
            difference.moved.append((chunk, current))
    wanted = {chunk.chunk_id for chunk, _ in chunks}
    difference.gone.extend(chunk_id for chunk_id, known in indexed.items() if known and chunk_id not in wanted)
    return difference


async def _embed(
    collection: Collection,
    chunks: Sequence[tuple[Chunk, str]],
    index: ChunkIndex,
    embedder: Embedder,
    *,
    progress: Callable[[Progress], None],
) -> None:
    started = time.monotonic()
    progress(Progress("embedding", 0, len(chunks)))
    for done in range(0, len(chunks), BATCH):
        batch = chunks[done : done + BATCH]
        vectors = await embedder.passages([searchable_text(chunk) for chunk, _ in batch])
        rows = [IndexedChunk(chunk, vector, digest) for (chunk, digest), vector in zip(batch, vectors, strict=True)]
        await index.upsert(collection, rows, embedder.name)
        finished = done + len(batch)
        eta_s = (time.monotonic() - started) / finished * (len(chunks) - finished)
        progress(Progress("embedding", finished, len(chunks), eta_s))
