import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from supportplane_crds import EmbeddingModel
from supportplane_runtime.errors import KnowledgeUnavailable
from supportplane_runtime.rag.embedding import local
from supportplane_runtime.rag.embedding.local import REMEMBERED_QUERIES, LocalEmbedder, LocalEmbedders


@pytest_asyncio.fixture(scope="module", params=list(EmbeddingModel))
async def embedder(request: pytest.FixtureRequest) -> AsyncIterator[LocalEmbedder]:
    made = LocalEmbedders(threads=2)
    chosen = made.of(request.param)
    assert isinstance(chosen, LocalEmbedder)
    yield chosen
    await made.close()


async def test_each_model_of_the_contract_is_loaded_once() -> None:
    embedders = LocalEmbedders(threads=1)
    english, multilingual = (embedders.of(model) for model in EmbeddingModel)
    assert english is embedders.of(EmbeddingModel.MINILM)
    assert english.name != multilingual.name
    with pytest.raises(KnowledgeUnavailable, match="no embedding model word2vec"):
        embedders.of("word2vec")
    await embedders.close()


async def test_a_model_that_cannot_be_loaded_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("no such file")

    monkeypatch.setattr(local, "MiniLMEncoder", broken)
    with pytest.raises(KnowledgeUnavailable, match="cannot be loaded: no such file"):
        LocalEmbedders(threads=1).of(EmbeddingModel.MINILM)


async def test_unrelated_texts_are_no_nearer_than_the_model_says(embedder: LocalEmbedder) -> None:
    query = (await embedder.queries(["How do I rotate an API key?"]))[0]
    passages = await embedder.passages(["Penguins huddle in the cold.", "The recipe needs two onions and some butter."])
    assert float(np.max(passages @ query)) < embedder.unrelated + 0.1


async def test_a_question_is_nearest_to_the_passage_that_answers_it(embedder: LocalEmbedder) -> None:
    passages = await embedder.passages(
        [
            "Rotate an API key with `supportplane keys create`.",
            "Our office is closed on Sundays.",
            "Redis keeps sessions.",
        ]
    )
    query = (await embedder.queries(["How can I get a new API key?"]))[0]
    assert int(np.argmax(passages @ query)) == 0


async def test_vectors_have_unit_length_and_the_stated_dimensions(embedder: LocalEmbedder) -> None:
    vectors = await embedder.passages(["one", "two", "drei"])
    assert vectors.shape == (3, embedder.dimensions)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-4)


async def test_many_at_once_give_what_one_at_a_time_gives(embedder: LocalEmbedder) -> None:
    texts = [f"passage number {n} about keys" for n in range(12)]
    together = await embedder.passages(texts)
    halves = await asyncio.gather(embedder.passages(texts[:6]), embedder.passages(texts[6:]))
    np.testing.assert_array_equal(together, np.concatenate(halves))


async def test_repeated_questions_keep_their_order_and_are_computed_once(embedder: LocalEmbedder) -> None:
    first = await embedder.queries(["a key", "a door", "a key"])
    np.testing.assert_array_equal(first[0], first[2])
    again = await embedder.queries(["a door", "a key"])
    np.testing.assert_array_equal(again, first[[1, 0]])
    assert list(embedder._remembered)[-2:] == ["a door", "a key"]


async def test_the_memory_of_questions_is_bounded(embedder: LocalEmbedder) -> None:
    vector = np.ones(embedder.dimensions, np.float32)
    embedder._remember({str(n): vector for n in range(REMEMBERED_QUERIES + 10)})
    assert len(embedder._remembered) == REMEMBERED_QUERIES
    assert "9" not in embedder._remembered


async def test_text_after_a_nul_counts_and_half_a_surrogate_pair_does_not_break(embedder: LocalEmbedder) -> None:
    cut, whole, broken = await embedder.passages(["billing", "billing\0rotate an API key", "billing \ud83d"])
    assert float(cut @ whole) < 0.99
    assert np.isfinite(broken).all()


async def test_empty_and_endless_texts_have_vectors_too(embedder: LocalEmbedder) -> None:
    vectors = await embedder.passages(["", "word " * 600])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-4)


async def test_nothing_in_gives_nothing_out(embedder: LocalEmbedder) -> None:
    assert (await embedder.passages([])).shape == (0, embedder.dimensions)
    assert (await embedder.queries([])).shape == (0, embedder.dimensions)
