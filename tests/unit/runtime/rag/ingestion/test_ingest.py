import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from supportplane_runtime.domain.knowledge import Chunk, Document
from supportplane_runtime.errors import InvalidRequest, KnowledgeUnavailable
from supportplane_runtime.rag.documents.chunking import chunk_document
from supportplane_runtime.rag.documents.reading import Reading, Skipped
from supportplane_runtime.rag.embedding.interfaces import Embedder, Vectors
from supportplane_runtime.rag.index.interfaces import Collection, IndexedChunk, TextRefused
from supportplane_runtime.rag.index.memory import MemoryIndex
from supportplane_runtime.rag.ingestion.ingest import BATCH, IngestionParts, IngestReport, Progress, ingest
from supportplane_runtime.rag.ingestion.lock import MemoryIngestionLock

DOCS = Collection("acme", "docs")


class CountingEmbedder:
    """Satisfies Embedder and Embedders; the vectors mean nothing, what was asked is kept."""

    dimensions = 4
    unrelated = 0.0

    def __init__(self, name: str = "counting") -> None:
        self.name = name
        self.asked: list[str] = []

    def of(self, model: str) -> Embedder:
        assert model == DOCS.embedding
        return self

    async def queries(self, texts: Sequence[str]) -> Vectors:
        return np.full((len(texts), 4), 0.5, np.float32)

    async def passages(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return await self.queries(texts)

    async def close(self) -> None: ...


class DyingIndex(MemoryIndex):
    """Fails at the second batch, as a killed process would stop there."""

    def __init__(self) -> None:
        super().__init__()
        self.batches_left = 1

    async def upsert(self, collection: Collection, chunks: Sequence[IndexedChunk], embedder: str) -> None:
        if self.batches_left == 0:
            raise ConnectionError
        self.batches_left -= 1
        await super().upsert(collection, chunks, embedder)


class ChokingEmbedder(CountingEmbedder):
    """Fails on a text that holds one of its words, whatever else is in the batch."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = words

    async def passages(self, texts: Sequence[str]) -> Vectors:
        if any(word in text for word in self.words for text in texts):
            raise ValueError("too odd")
        return await super().passages(texts)


class PickyIndex(MemoryIndex):
    """Refuses text that holds one of its words, as a database refuses what it cannot store."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = words

    async def upsert(self, collection: Collection, chunks: Sequence[IndexedChunk], embedder: str) -> None:
        if any(word in each.chunk.text for word in self.words for each in chunks):
            raise TextRefused("holds text that cannot be stored")
        await super().upsert(collection, chunks, embedder)


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
def parts(embedder: CountingEmbedder) -> IngestionParts:
    return IngestionParts(MemoryIndex(), embedder, MemoryIngestionLock())


def document(name: str, *sections: str) -> Document:
    text = "".join(f"## {section}\n{f'All about {section}. ' * 40}\n" for section in sections)
    return Document(name, name, text, f"{name}.md")


def reading(*documents: Document) -> Reading:
    return Reading(documents, ())


async def run(parts: IngestionParts, found: Reading) -> IngestReport:
    return await ingest(DOCS, found, parts, progress=lambda _: None)


def counts(report: IngestReport) -> tuple[int, int, int, int, int]:
    return report.documents, report.chunks, report.embedded, report.unchanged, report.deleted


async def test_the_second_run_over_the_same_documents_does_nothing(
    parts: IngestionParts, embedder: CountingEmbedder
) -> None:
    found = reading(document("a", "keys", "users"), document("b", "limits"))
    assert counts(await run(parts, found)) == (2, 3, 3, 0, 0)
    assert counts(await run(parts, found)) == (2, 3, 0, 3, 0)
    assert len(embedder.asked) == 3


async def test_an_edit_embeds_only_the_changed_passage(parts: IngestionParts, embedder: CountingEmbedder) -> None:
    await run(parts, reading(document("a", "keys", "users", "roles")))
    embedder.asked.clear()
    assert counts(await run(parts, reading(document("a", "keys", "people", "roles")))) == (1, 3, 1, 2, 1)
    (text,) = embedder.asked
    assert text.startswith("a\npeople\nAll about people.")


async def test_what_moves_or_gets_another_link_is_not_embedded_again(
    parts: IngestionParts, embedder: CountingEmbedder
) -> None:
    await run(parts, reading(document("a", "keys", "users")))
    embedder.asked.clear()
    moved = replace(document("a", "roles", "keys", "users"), url="https://example.org/a")
    assert counts(await run(parts, reading(moved))) == (1, 3, 1, 2, 0)
    hits = await parts.index.keyword(DOCS, "users", limit=1)
    assert (hits[0].chunk.url, hits[0].chunk.position) == ("https://example.org/a", 2)
    assert counts(await run(parts, reading(moved))) == (1, 3, 0, 3, 0)


async def test_a_new_title_is_embedded_because_it_is_searched(parts: IngestionParts) -> None:
    await run(parts, reading(document("a", "keys")))
    report = await run(parts, reading(replace(document("a", "keys"), title="Secrets")))
    assert counts(report) == (1, 1, 1, 0, 0)


async def test_removed_documents_are_removed(parts: IngestionParts) -> None:
    await run(parts, reading(document("a", "keys"), document("b", "limits")))
    assert counts(await run(parts, reading(document("a", "keys")))) == (1, 1, 0, 1, 1)
    assert await parts.index.keyword(DOCS, "limits", limit=5) == []


async def test_another_embedder_embeds_everything_anew(parts: IngestionParts) -> None:
    await run(parts, reading(document("a", "keys"), document("b", "limits")))
    other = replace(parts, embedders=CountingEmbedder("other"))
    assert counts(await run(other, reading(document("a", "keys")))) == (1, 1, 1, 0, 0)


async def test_an_ingestion_that_was_killed_goes_on_where_it_stopped(embedder: CountingEmbedder) -> None:
    index = DyingIndex()
    parts = IngestionParts(index, embedder, MemoryIngestionLock())
    found = reading(*(document(f"d{n}", f"topic{n}") for n in range(BATCH + 5)))
    with pytest.raises(ConnectionError):
        await run(parts, found)
    assert await index.count(DOCS) == (BATCH, BATCH)
    index.batches_left = 99
    assert counts(await run(parts, found)) == (BATCH + 5, BATCH + 5, 5, BATCH, 0)


async def test_when_nothing_can_be_read_nothing_is_deleted(parts: IngestionParts) -> None:
    await run(parts, reading(document("a", "keys")))
    with pytest.raises(InvalidRequest, match=r"docs: no document could be read; docs/a\.md is not UTF-8"):
        await run(parts, Reading((), (Skipped("docs/a.md", "is not UTF-8"),)))
    assert await parts.index.count(DOCS) == (1, 1)


async def test_skipped_files_are_in_the_report(parts: IngestionParts) -> None:
    skipped = (Skipped("docs/b.md", "holds no text"),)
    assert (await run(parts, Reading((document("a", "keys"),), skipped))).skipped == skipped


async def test_progress_counts_up_to_the_total_with_the_time_left(parts: IngestionParts) -> None:
    seen: list[Progress] = []
    found = reading(*(document(f"d{n}", f"topic{n}") for n in range(BATCH + 1)))
    await ingest(DOCS, found, parts, progress=seen.append)
    assert [(each.step, each.done, each.total) for each in seen] == [
        ("cutting", 0, BATCH + 1),
        ("embedding", 0, BATCH + 1),
        ("embedding", BATCH, BATCH + 1),
        ("embedding", BATCH + 1, BATCH + 1),
    ]
    assert seen[-1].eta_s == 0


async def test_two_ingestions_of_a_collection_come_one_after_the_other_and_the_second_says_so(
    parts: IngestionParts, embedder: CountingEmbedder
) -> None:
    steps: list[str] = []
    found = reading(document("a", "keys"))
    reports = await asyncio.gather(
        run(parts, found), ingest(DOCS, found, parts, progress=lambda progress: steps.append(progress.step))
    )
    assert steps[0] == "waiting"
    assert [report.embedded for report in reports] == [1, 0]
    assert len(embedder.asked) == 1


async def indexed_documents(parts: IngestionParts) -> set[str]:
    return set((await parts.index.documents(DOCS)).values())


async def test_a_document_that_cannot_be_embedded_is_left_out_by_name_and_the_rest_is_indexed(
    parts: IngestionParts,
) -> None:
    choking = replace(parts, embedders=ChokingEmbedder("odd"))
    found = reading(document("a", "keys"), document("b", "odd"), document("c", "limits"))
    report = await run(choking, found)
    assert report.skipped == (Skipped("b", "cannot be embedded (ValueError)"),)
    assert await indexed_documents(choking) == {"a", "c"}
    assert counts(report) == (2, 2, 2, 0, 0)


async def test_nothing_of_a_left_out_document_stays_whatever_batch_it_was_in(parts: IngestionParts) -> None:
    await run(parts, reading(document("a", "keys"), document("b", "roles")))
    sections = [f"topic{n}" for n in range(BATCH)]
    choking = replace(parts, embedders=ChokingEmbedder("odd"))
    report = await run(choking, reading(document("a", "keys"), document("b", "roles", *sections, "odd")))
    assert [each.name for each in report.skipped] == ["b"]
    assert await indexed_documents(choking) == {"a"}


async def test_a_document_that_the_index_refuses_is_left_out_by_name(embedder: CountingEmbedder) -> None:
    parts = IngestionParts(PickyIndex("odd"), embedder, MemoryIngestionLock())
    report = await run(parts, reading(document("a", "keys"), document("b", "odd")))
    assert report.skipped == (Skipped("b", "holds text that cannot be stored"),)
    assert await indexed_documents(parts) == {"a"}


async def test_an_embedder_that_takes_nothing_is_no_document_s_fault_and_deletes_nothing(
    parts: IngestionParts,
) -> None:
    await run(parts, reading(document("a", "keys")))
    broken = replace(parts, embedders=ChokingEmbedder(""))
    with pytest.raises(ValueError, match="too odd"):
        await run(broken, reading(document("a", "people")))
    assert await indexed_documents(parts) == {"a"}


async def test_an_index_that_refuses_every_document_is_no_document_s_fault(embedder: CountingEmbedder) -> None:
    parts = IngestionParts(PickyIndex("about"), embedder, MemoryIngestionLock())
    with pytest.raises(KnowledgeUnavailable, match="Nothing can be indexed: holds text"):
        await run(parts, reading(document("a", "keys about"), document("b", "roles about")))


async def test_when_the_only_document_is_refused_what_was_indexed_of_it_stays(embedder: CountingEmbedder) -> None:
    parts = IngestionParts(PickyIndex("odd"), embedder, MemoryIngestionLock())
    await run(parts, reading(document("a", "keys")))
    with pytest.raises(InvalidRequest, match="docs: no document could be read; a holds text"):
        await run(parts, reading(document("a", "odd")))
    assert await indexed_documents(parts) == {"a"}


async def test_a_document_that_cannot_be_cut_is_left_out_by_name(
    parts: IngestionParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(found: Document) -> list[Chunk]:
        if found.document_id == "b":
            raise RecursionError
        return chunk_document(found)

    monkeypatch.setattr("supportplane_runtime.rag.ingestion.ingest.chunk_document", cut)
    report = await run(parts, reading(document("a", "keys"), document("b", "limits")))
    assert report.skipped == (Skipped("b", "cannot be cut into passages (RecursionError)"),)
    assert await indexed_documents(parts) == {"a"}


async def test_documents_of_a_source_that_could_not_be_read_stay(parts: IngestionParts) -> None:
    await run(parts, reading(document("faq/a", "keys"), document("guide/a", "roles"), document("guide/b", "limits")))
    report = await ingest(DOCS, reading(document("guide/b", "limits")), parts, progress=lambda _: None, unread=["faq"])
    assert counts(report) == (2, 2, 0, 2, 1)
    assert await indexed_documents(parts) == {"faq/a", "guide/b"}
