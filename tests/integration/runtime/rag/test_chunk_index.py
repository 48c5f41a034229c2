"""One suite for every ChunkIndex: in memory, on PostgreSQL with pgvector, on Weaviate; each against the real server."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from numpy.typing import NDArray

from supportplane_runtime.domain.knowledge import Chunk
from supportplane_runtime.rag.index.interfaces import ChunkIndex, Collection, Hit, IndexedChunk, Matches, Query, Stretch
from supportplane_runtime.rag.index.memory import MemoryIndex
from supportplane_runtime.rag.index.weaviate import WeaviateIndex
from supportplane_runtime.rag.words.lexemes import rarity
from supportplane_runtime.rag.words.searchable import content_hash

DIMENSIONS = 384
EMBEDDER = "test-embedder"
NAMES = count()

# The first test may have to build a Weaviate before it starts it.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture
def collection() -> Collection:
    """A collection no other test writes to."""
    return Collection("acme", f"docs-{next(NAMES)}")


def vector(*leading: float) -> NDArray[np.float32]:
    values = np.zeros(DIMENSIONS, np.float32)
    values[: len(leading)] = leading
    return values / np.linalg.norm(values)


def passage(chunk_id: str, text: str, **changes: object) -> Chunk:
    """chunk_id: document#position, or a document that has only this passage."""
    document_id, _, place = chunk_id.partition("#")
    made = Chunk(
        chunk_id=chunk_id, document_id=document_id, title="", heading_path=(), text=text, url="",
        position=int(place or 0),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def indexed(chunk: Chunk, embedding: NDArray[np.float32] | None = None) -> IndexedChunk:
    return IndexedChunk(chunk, vector(1) if embedding is None else embedding, content_hash(chunk))


def ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.chunk.chunk_id for hit in hits]


KEYS = [
    passage("keys#0", "Rotate an API key: create a new key, then revoke the old key.", title="Keys"),
    passage("keys#1", "Every key has a name.", title="Keys", heading_path=("Listing", "Names")),
    passage("tickets#0", "A ticket is opened when a person is asked for.", title="Tickets"),
    passage("limits#0", "Requests are limited to 120 a minute for each key.", title="Limits"),
]


async def write(index: ChunkIndex, collection: Collection, chunks: Sequence[Chunk]) -> None:
    await index.upsert(collection, [indexed(chunk, vector(1, n)) for n, chunk in enumerate(chunks)], EMBEDDER)


async def test_what_is_written_comes_back_whole(index: ChunkIndex, collection: Collection) -> None:
    chunk = passage(
        "guide/ключ.md#3",
        "Zeile eins\n\tcode  «quoted» \"double\" 'single' \\ % _ \U0001f511\n日本語",
        title="Führer",
        heading_path=("A > B", 'with "quotes", commas', "キー"),
        url="https://example.org/ä?q=1#x",
        position=7,
        language="de",
        context=('Wie man "Schlüssel", {auch} alte, tauscht', "guide ключ"),
    )
    await index.upsert(collection, [indexed(chunk)], EMBEDDER)
    assert [hit.chunk for hit in await index.keyword(collection, "zeile", limit=5)] == [chunk]
    assert [hit.chunk for hit in await index.nearest(collection, vector(1), limit=5)] == [chunk]


async def test_a_chunk_without_headings_title_and_url_comes_back_whole(
    index: ChunkIndex, collection: Collection
) -> None:
    chunk = passage("plain", "only words")
    await index.upsert(collection, [indexed(chunk)], EMBEDDER)
    assert [hit.chunk for hit in await index.keyword(collection, "words", limit=5)] == [chunk]


async def test_what_stands_around_a_chunk_is_found_by_its_place(index: ChunkIndex, collection: Collection) -> None:
    pages = [passage(f"{name}#{n}", f"Part {n} of {name}.") for name in ("Guide.md", "guide.md") for n in range(6)]
    await write(index, collection, pages)
    asked = [Stretch("Guide.md", -1, 1), Stretch("Guide.md", 1, 2), Stretch("guide.md", 5, 9), Stretch("none.md", 0, 3)]
    found = await index.stretches(collection, asked)
    assert sorted(chunk.chunk_id for chunk in found) == ["Guide.md#0", "Guide.md#1", "Guide.md#2", "guide.md#5"]
    assert all(chunk in pages for chunk in found)
    assert await index.stretches(collection, []) == []
    assert await index.stretches(replace(collection, knowledge_base="other"), asked) == []


async def test_keyword_search_ranks_by_rarity_repetition_and_length(index: ChunkIndex, collection: Collection) -> None:
    await write(index, collection, KEYS)
    assert ids(await index.keyword(collection, "rotating keys", limit=10)) == ["keys#0", "keys#1", "limits#0"]
    assert ids(await index.keyword(collection, "How are the keys limited?", limit=10))[0] == "limits#0"


async def test_keyword_search_sees_title_headings_and_context(index: ChunkIndex, collection: Collection) -> None:
    await write(index, collection, [*KEYS, passage("lamp", "Plug it in.", context=("glow lamp setup",))])
    assert ids(await index.keyword(collection, "lamps", limit=10)) == ["lamp"]
    assert ids(await index.keyword(collection, "listings", limit=10)) == ["keys#1"]
    assert ids(await index.keyword(collection, "tickets", limit=10)) == ["tickets#0"]


async def test_keyword_scores_are_bm25(index: ChunkIndex, collection: Collection) -> None:
    await write(
        index, collection, [passage("a", "alpha beta"), passage("b", "alpha gamma delta"), passage("c", "omega")]
    )
    hits = await index.keyword(collection, "alpha beta", limit=10)
    # ln(1 + (3 - n + .5) / (n + .5)) * 2.2 / (1 + 1.2 * (.25 + .75 * length / 2)), n = 1 for beta and 2 for alpha
    assert ids(hits) == ["a", "b"]
    assert [hit.score for hit in hits] == pytest.approx([0.98083 + 0.47000, 0.39019], abs=2e-4)


async def test_scores_after_changes_are_those_of_a_collection_written_at_once(
    index: ChunkIndex, collection: Collection
) -> None:
    await write(index, collection, [replace(chunk, text=chunk.text + " and many more words " * 9) for chunk in KEYS])
    await write(index, collection, [passage("extra", "keys and keys")])
    await write(index, collection, KEYS)
    await index.delete(collection, ["extra"])
    fresh = replace(collection, knowledge_base=f"{collection.knowledge_base}-fresh")
    await write(index, fresh, KEYS)
    changed, expected = [await index.keyword(each, "rotate keys", limit=9) for each in (collection, fresh)]
    assert ids(changed) == ids(expected)
    # Weaviate goes on counting the lengths of what was replaced or deleted into its average (weaviate.py says so).
    if not isinstance(index, WeaviateIndex):
        assert [hit.score for hit in changed] == pytest.approx([hit.score for hit in expected])


async def test_rarities_are_counted_over_the_collection(index: ChunkIndex, collection: Collection) -> None:
    await write(index, collection, [passage("a", "alpha beta"), passage("b", "alpha gamma"), passage("c", "omega")])
    rarities = await index.rarities(collection, ["alpha", "beta", "unknown"])
    assert rarities == pytest.approx({"alpha": rarity(3, 2), "beta": rarity(3, 1), "unknown": rarity(3, 0)})


async def test_scores_fall_and_equal_ones_are_ordered_by_id(index: ChunkIndex, collection: Collection) -> None:
    await write(index, collection, [passage(name, "the same words") for name in ("c", "a", "b")])
    hits = await index.keyword(collection, "words", limit=10)
    assert ids(hits) == ["a", "b", "c"]
    assert hits[0].score == pytest.approx(hits[2].score)


@pytest.mark.parametrize(
    "question", ["", "   ", "the of and", "?!", "nowhere", "\u0301", "'; DROP TABLE x --", "a" * 9000]
)
async def test_a_question_without_a_known_word_finds_nothing(
    index: ChunkIndex, collection: Collection, question: str
) -> None:
    await write(index, collection, KEYS)
    assert await index.keyword(collection, question, limit=10) == []


async def test_nearest_ranks_by_cosine(index: ChunkIndex, collection: Collection) -> None:
    directions = {"far": vector(-1, 0.1), "near": vector(1, 0.1), "middle": vector(0.2, 1)}
    await index.upsert(collection, [indexed(passage(name, name), to) for name, to in directions.items()], EMBEDDER)
    hits = await index.nearest(collection, vector(1), limit=10)
    assert ids(hits) == ["near", "middle", "far"]
    assert [hit.score for hit in hits] == pytest.approx([0.99504, 0.19612, -0.99504], abs=1e-4)


async def test_searches_return_no_more_than_the_limit(index: ChunkIndex, collection: Collection) -> None:
    await write(index, collection, KEYS)
    assert (
        ids(await index.keyword(collection, "key", limit=1)) == ids(await index.keyword(collection, "key", limit=9))[:1]
    )
    assert len(await index.nearest(collection, vector(1), limit=2)) == 2


async def test_a_turns_whole_search_finds_what_its_parts_find(index: ChunkIndex, collection: Collection) -> None:
    await write(index, collection, KEYS)
    texts, words = ["rotate keys", "?", "tickets for a person", "rotate keys"], ["key", "ticket", "unknown"]
    queries = [Query(text, vector(1, n)) for n, text in enumerate(texts)]
    found = await index.search(collection, queries, words=words, limit=3)
    assert list(found.keyword) == [await index.keyword(collection, query.text, limit=3) for query in queries]
    assert list(found.nearest) == [await index.nearest(collection, query.vector, limit=3) for query in queries]
    assert found.rarities == await index.rarities(collection, words)
    nothing = await index.search(collection, [], words=[], limit=3)
    assert nothing == Matches(keyword=(), nearest=(), rarities={}, chunks=found.chunks)


async def test_a_collection_nobody_wrote_to_is_empty(index: ChunkIndex, collection: Collection) -> None:
    assert await index.hashes(collection, EMBEDDER) == {}
    assert await index.count(collection) == (0, 0)
    assert await index.keyword(collection, "key", limit=5) == []
    assert await index.rarities(collection, ["key"]) == {"key": rarity(0, 0)}
    found = await index.search(collection, [Query("key", vector(1))], words=[], limit=5)
    assert found == Matches(keyword=([],), nearest=([],), rarities={}, chunks=0)
    assert await index.nearest(collection, vector(1), limit=5) == []
    await index.delete(collection, ["unknown"])
    await index.upsert(collection, [], EMBEDDER)
    await index.optimize(collection)


async def test_writing_again_replaces(index: ChunkIndex, collection: Collection) -> None:
    await write(index, collection, KEYS)
    changed = replace(KEYS[0], text="Exchange a secret.")
    await index.upsert(collection, [indexed(changed, vector(0, 0, 1))], EMBEDDER)
    assert await index.count(collection) == (3, 4)
    assert ids(await index.keyword(collection, "rotate", limit=5)) == []
    assert [hit.chunk for hit in await index.keyword(collection, "exchange", limit=5)] == [changed]
    assert ids(await index.nearest(collection, vector(0, 0, 1), limit=1)) == ["keys#0"]
    assert (await index.hashes(collection, EMBEDDER))["keys#0"] == content_hash(changed)


async def test_deleted_chunks_are_gone_from_both_searches_and_from_the_figures(
    index: ChunkIndex, collection: Collection
) -> None:
    await write(index, collection, KEYS)
    await index.delete(collection, ["keys#0", "keys#1", "unknown"])
    assert await index.count(collection) == (2, 2)
    assert ids(await index.keyword(collection, "key", limit=5)) == ["limits#0"]
    assert set(ids(await index.nearest(collection, vector(1), limit=5))) == {"limits#0", "tickets#0"}
    assert set(await index.hashes(collection, EMBEDDER)) == {"limits#0", "tickets#0"}


async def test_hashes_are_empty_for_chunks_of_another_embedder(index: ChunkIndex, collection: Collection) -> None:
    await write(index, collection, KEYS[:1])
    await index.upsert(collection, [indexed(KEYS[1])], "another")
    assert await index.hashes(collection, EMBEDDER) == {"keys#0": content_hash(KEYS[0]), "keys#1": ""}
    assert await index.hashes(collection, "another") == {"keys#0": "", "keys#1": content_hash(KEYS[1])}


async def test_a_relocated_chunk_keeps_its_vector_and_words(index: ChunkIndex, collection: Collection) -> None:
    await write(index, collection, KEYS)
    moved = replace(KEYS[3], url="https://example.org/limits", position=9)
    await index.relocate(collection, [(moved, content_hash(moved))])
    assert (await index.hashes(collection, EMBEDDER))["limits#0"] == content_hash(moved)
    assert moved in [hit.chunk for hit in await index.keyword(collection, "minute", limit=5)]
    assert (await index.nearest(collection, vector(1, 3), limit=1))[0].chunk == moved


async def test_no_tenant_sees_or_changes_what_another_wrote(index: ChunkIndex, collection: Collection) -> None:
    others = replace(collection, tenant="rival")
    await write(index, collection, KEYS)
    await write(index, others, [replace(KEYS[0], text="rival secret")])
    assert ids(await index.keyword(others, "key", limit=9)) == ["keys#0"]
    assert ids(await index.keyword(others, "minute", limit=9)) == []
    assert len(await index.nearest(others, vector(1), limit=9)) == 1
    assert ids(await index.keyword(collection, "rival", limit=9)) == []
    await index.delete(others, [chunk.chunk_id for chunk in KEYS])
    assert await index.count(others) == (0, 0)
    assert await index.count(collection) == (3, 4)


async def test_passages_of_another_model_are_apart_whatever_their_dimensions_and_go_at_once(
    index: ChunkIndex, collection: Collection
) -> None:
    larger = replace(collection, embedding="larger")
    await write(index, collection, KEYS)
    wide = np.zeros(2 * DIMENSIONS, np.float32)
    wide[-1] = 1
    await index.upsert(larger, [indexed(KEYS[3], wide)], "larger-1")
    assert ids(await index.nearest(larger, wide, limit=9)) == ["limits#0"]
    assert len(await index.nearest(collection, vector(1), limit=9)) == 4

    await index.drop(collection)
    assert await index.count(collection) == (0, 0)
    assert await index.nearest(collection, vector(1), limit=9) == []
    assert await index.keyword(collection, "key", limit=9) == []
    assert await index.stretches(collection, [Stretch("keys", 0, 9)]) == []
    assert ids(await index.keyword(larger, "key", limit=9)) == ["limits#0"]
    await index.drop(collection)  # nothing is left of it
    await write(index, collection, KEYS[:1])
    assert await index.count(collection) == (1, 1)


async def test_knowledge_bases_of_a_tenant_are_apart(index: ChunkIndex, collection: Collection) -> None:
    second = replace(collection, knowledge_base=f"{collection.knowledge_base}-b")
    await write(index, collection, KEYS)
    await write(index, second, KEYS[:1])
    await index.delete(second, ["keys#0"])
    assert await index.count(collection) == (3, 4)
    # Rarity is counted in the collection asked, so an empty sister changes no score.
    assert len(await index.keyword(collection, "key", limit=9)) == 3


async def test_names_that_look_like_syntax_are_just_names(index: ChunkIndex) -> None:
    strange = Collection("a-b_c", "docs.v2-x")
    near = Collection("a_b-c", "docs-v2.x")
    await write(index, strange, KEYS[:1])
    await write(index, near, KEYS[2:])
    assert await index.count(strange) == (1, 1)
    assert await index.count(near) == (2, 2)


async def test_the_collections_language_stems_text_and_question(index: ChunkIndex, collection: Collection) -> None:
    german = replace(collection, language="de")
    await write(index, german, [passage("de", "Die Schlüssel werden gewechselt.", language="de")])
    assert ids(await index.keyword(german, "Wie wird der Schlüssel gewechselt?", limit=5)) == ["de"]
    assert ids(await index.keyword(german, "die werden", limit=5)) == []


@pytest.mark.parametrize(
    ("code", "said", "asked"),
    [
        ("de", "Die Kündigungsfrist beträgt vier Wochen.", "Welche Frist gilt?"),
        ("de", "Das Passwort zurücksetzen", "Passwortrücksetzung"),
        ("ja", "予約を取り消します。", "取消の方法"),
        ("th", "ลืมรหัสผ่าน", "รหัสผ่านใหม่"),
        ("ko", "비밀번호를 바꿉니다.", "비밀번호 변경"),
    ],
)
async def test_words_without_spaces_between_them_are_found(
    index: ChunkIndex, collection: Collection, code: str, said: str, asked: str
) -> None:
    written, plain = replace(collection, language=code), MemoryIndex()
    for each in (index, plain):
        await write(each, written, [passage("said", said, language=code), passage("other", "2026", language=code)])
    found, known = await index.keyword(written, asked, limit=5), await plain.keyword(written, asked, limit=5)
    assert ids(found) == ["said"]
    assert found[0].score == pytest.approx(known[0].score, rel=1e-4)


async def test_a_large_batch_is_written_and_found(index: ChunkIndex, collection: Collection) -> None:
    random = np.random.default_rng(7)
    made = [passage(f"doc{n // 4}#{n % 4}", f"passage number{n} about topic{n % 50}") for n in range(2000)]
    embeddings = random.standard_normal((2000, DIMENSIONS)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    batch = [indexed(chunk, embedding) for chunk, embedding in zip(made, embeddings, strict=True)]
    await index.upsert(collection, batch, EMBEDDER)
    assert await index.count(collection) == (500, 2000)
    assert len(await index.hashes(collection, EMBEDDER)) == 2000
    assert ids(await index.keyword(collection, "number1234", limit=5)) == ["doc308#2"]
    assert len(await index.keyword(collection, "topic7", limit=100)) == 40
    exact = np.argsort(-(embeddings @ embeddings[77]))[:10]
    found = ids(await index.nearest(collection, embeddings[77], limit=10))
    assert len({made[n].chunk_id for n in exact} & set(found)) >= 9.5
    await index.delete(collection, [chunk.chunk_id for chunk in made])
    assert await index.count(collection) == (0, 0)


async def test_writers_and_readers_at_once_do_not_disturb_each_other(index: ChunkIndex, collection: Collection) -> None:
    async def one(number: int) -> None:
        await write(index, collection, [passage(f"doc{number}#{n}", f"word{number} common") for n in range(5)])
        assert len(await index.keyword(collection, f"word{number}", limit=9)) == 5

    await asyncio.gather(*(one(number) for number in range(8)))
    assert await index.count(collection) == (8, 40)
    assert len(await index.keyword(collection, "common", limit=99)) == 40


async def test_every_passage_is_told_with_its_document(index: ChunkIndex, collection: Collection) -> None:
    assert await index.documents(collection) == {}
    await write(index, collection, KEYS)
    assert await index.documents(collection) == {chunk.chunk_id: chunk.document_id for chunk in KEYS}
