"""Brings a collection to what its documents say now: only changed passages are embedded, removed ones deleted.

Called by the `knowledge` role and by `supportplane eval`, with the documents reading.py found. Every batch is written
whole, so an ingestion that is killed leaves a usable index and the next one goes on where it stopped. A document that
cannot be cut, embedded or stored is left out by name, and the rest is indexed.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from collections.abc import Collection as Names
from dataclasses import dataclass, field
from typing import Literal

import structlog

from supportplane_runtime.domain.knowledge import Chunk
from supportplane_runtime.errors import InvalidRequest, KnowledgeUnavailable, RuntimeFault
from supportplane_runtime.rag.documents.chunking import chunk_document
from supportplane_runtime.rag.documents.reading import Reading, Skipped
from supportplane_runtime.rag.embedding.interfaces import Embedder, Embedders, Vectors
from supportplane_runtime.rag.index.interfaces import ChunkIndex, Collection, IndexedChunk, TextRefused
from supportplane_runtime.rag.ingestion.lock import IngestionLock
from supportplane_runtime.rag.words.searchable import content_hash, searchable_text

log = structlog.get_logger(__name__)

PLAIN = "The shop is open on Monday."  # every embedder that works takes this
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


Cut = tuple[Chunk, str]
"""A passage and its content_hash."""


@dataclass(frozen=True, slots=True)
class _Difference:
    """Between what is indexed and what the documents say. stale: from another embedder, comparable with nothing.

    documents: all that were cut.
    """

    documents: frozenset[str]
    new: list[Cut] = field(default_factory=list)
    moved: list[Cut] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the passages of one ingestion go."""

    collection: Collection
    index: ChunkIndex
    embedder: Embedder

    async def write(self, batch: Sequence[Cut]) -> None:
        """All of it or nothing. Raises TextRefused."""
        vectors = await self._vectors([searchable_text(chunk) for chunk, _ in batch])
        rows = [IndexedChunk(chunk, vector, digest) for (chunk, digest), vector in zip(batch, vectors, strict=True)]
        await self.index.upsert(self.collection, rows, self.embedder.name)

    async def _vectors(self, texts: Sequence[str]) -> Vectors:
        """Raises TextRefused when the embedder fails on these texts and on no others."""
        try:
            return await self.embedder.passages(texts)
        except RuntimeFault:
            raise
        except Exception as problem:
            await self.embedder.passages([PLAIN])  # an embedder that takes nothing at all fails here
            raise TextRefused(f"cannot be embedded ({type(problem).__name__})") from problem


async def ingest(
    collection: Collection,
    reading: Reading,
    parts: IngestionParts,
    *,
    progress: Callable[[Progress], None],
    unread: Names[str] = (),
) -> IngestReport:
    """Raises InvalidRequest, before anything is deleted, when not a single document could be read.

    unread: names of sources that could not be read this time; what is indexed of their documents stays.
    One ingestion of a collection runs at a time; a second says "waiting" and then finds little left to do.
    """
    _ensure_some(collection, bool(reading.documents), reading.skipped)
    started = time.monotonic()
    target = _Target(collection, parts.index, parts.embedders.of(collection.embedding))
    async with parts.lock.held(collection, lambda: progress(Progress("waiting", 0, 0))):
        progress(Progress("cutting", 0, len(reading.documents)))
        chunks, uncut = await asyncio.to_thread(_cut, reading)
        indexed = await target.index.hashes(collection, target.embedder.name)
        _ensure_some(collection, bool(chunks), uncut)
        difference = _compare(chunks, indexed, await _kept(target, unread))
        refused = await _apply(difference, target, progress=progress)
        documents, total = await target.index.count(collection)
    left_out = (*uncut, *refused)
    embedded = sum(chunk.document_id not in {each.name for each in refused} for chunk, _ in difference.new)
    return IngestReport(
        documents=documents,
        chunks=total,
        embedded=embedded,
        unchanged=total - embedded,
        deleted=len(difference.gone),
        skipped=(*reading.skipped, *left_out),
        seconds=time.monotonic() - started,
    )


def _ensure_some(collection: Collection, some: bool, left_out: Sequence[Skipped]) -> None:
    """Raises InvalidRequest, with the first few reasons, when nothing is left to index."""
    if not some:
        reasons = "".join(f"; {each.name} {each.reason}" for each in left_out[:3])
        raise InvalidRequest(f"{collection.knowledge_base}: no document could be read{reasons}")


def _cut(reading: Reading) -> tuple[list[Cut], list[Skipped]]:
    """What was not cut when it was read, within the limits of a file, is cut here."""
    chunks: list[Cut] = []
    uncut = []
    for document in reading.documents:
        try:
            passages = reading.chunks.get(document.document_id) or chunk_document(document)
            chunks += [(chunk, content_hash(chunk)) for chunk in passages]
        except Exception as problem:  # whatever a document does to cutting, the others are cut
            log.exception("document_not_cut", document=document.document_id)
            uncut.append(Skipped(document.document_id, f"cannot be cut into passages ({type(problem).__name__})"))
    return chunks, uncut


async def _kept(target: _Target, unread: Names[str]) -> frozenset[str]:
    """Ids of the indexed passages whose source could not be read: their documents may still be there."""
    if not unread:
        return frozenset()
    places = await target.index.documents(target.collection)
    beginnings = tuple(f"{source}/" for source in unread)
    return frozenset(chunk_id for chunk_id, document in places.items() if document.startswith(beginnings))


def _compare(chunks: Sequence[Cut], indexed: dict[str, str], kept: frozenset[str]) -> _Difference:
    """What another embedder made is stale even where it would be kept: its vectors fit no question."""
    documents = frozenset(chunk.document_id for chunk, _ in chunks)
    difference = _Difference(documents, stale=[chunk_id for chunk_id, known in indexed.items() if not known])
    for chunk, current in chunks:
        known = indexed.get(chunk.chunk_id, "")
        if known.partition(".")[0] != current.partition(".")[0]:
            difference.new.append((chunk, current))
        elif known != current:
            difference.moved.append((chunk, current))
    wanted = {chunk.chunk_id for chunk, _ in chunks} | kept
    difference.gone.extend(chunk_id for chunk_id, known in indexed.items() if known and chunk_id not in wanted)
    return difference


async def _apply(difference: _Difference, target: _Target, *, progress: Callable[[Progress], None]) -> list[Skipped]:
    """Documents that had to be left out; nothing of them is in the index afterwards."""
    collection, index = target.collection, target.index
    await index.delete(collection, difference.stale)
    refused = await _embed(difference.new, target, progress=progress)
    names = {each.name for each in refused}
    _ensure_some(collection, bool(difference.documents - names), refused)
    await index.relocate(collection, difference.moved)
    await index.delete(collection, difference.gone)
    if refused:
        places = await index.documents(collection)
        await index.delete(collection, [chunk_id for chunk_id, document in places.items() if document in names])
    if difference.new:
        await index.optimize(collection)
    return refused


async def _embed(chunks: Sequence[Cut], target: _Target, *, progress: Callable[[Progress], None]) -> list[Skipped]:
    """Documents of which a passage could not be embedded or stored."""
    started = time.monotonic()
    progress(Progress("embedding", 0, len(chunks)))
    refused: dict[str, Skipped] = {}
    for done in range(0, len(chunks), BATCH):
        batch = [cut for cut in chunks[done : done + BATCH] if cut[0].document_id not in refused]
        refused |= {each.name: each for each in await _write(batch, target)}
        finished = min(done + BATCH, len(chunks))
        eta_s = (time.monotonic() - started) / finished * (len(chunks) - finished)
        progress(Progress("embedding", finished, len(chunks), eta_s))
    return list(refused.values())


async def _write(batch: Sequence[Cut], target: _Target) -> list[Skipped]:
    """Together; where that is refused, document by document. Raises KnowledgeUnavailable when all of many are refused:
    then they are not the reason.
    """
    if not batch:
        return []
    try:
        await target.write(batch)
    except TextRefused as refusal:
        documents = list(dict.fromkeys(chunk.document_id for chunk, _ in batch))
        if len(documents) == 1:
            return [Skipped(documents[0], str(refusal))]
        parts = [[cut for cut in batch if cut[0].document_id == name] for name in documents]
        refused = [each for part in parts for each in await _write(part, target)]
        if len(refused) == len(documents):
            raise KnowledgeUnavailable(f"Nothing can be indexed: {refusal}") from refusal
        return refused
    return []
