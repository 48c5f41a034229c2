from collections.abc import Mapping, Sequence

import numpy as np

from supportplane_runtime.domain.conversation import Message, Role
from supportplane_runtime.domain.knowledge import Document
from supportplane_runtime.languages import language
from supportplane_runtime.rag.documents.chunking import chunk_document
from supportplane_runtime.rag.embedding.interfaces import Vectors
from supportplane_runtime.rag.index.interfaces import Collection, IndexedChunk
from supportplane_runtime.rag.index.memory import MemoryIndex
from supportplane_runtime.rag.search.retriever import IndexRetriever, cut
from supportplane_runtime.rag.words.lexemes import lexemes
from supportplane_runtime.rag.words.searchable import searchable_text

DOCS = Collection("acme", "docs")
TEXTS = {
    "keys": "To rotate an API key, create a new key and revoke the old key.",
    "backup": "A backup holds the database. Restore it into an empty folder.",
    "widget": "The widget is one script tag with a publishable key.",
}


class WordEmbedder:
    """Satisfies Embedder: a dimension a word, so that what is near is plain to see."""

    name = "words"
    unrelated = 0.0

    def __init__(self) -> None:
        everything = " ".join(TEXTS.values())
        self._words = sorted(lexemes(everything, language("en")))
        self.dimensions = len(self._words)

    async def queries(self, texts: Sequence[str]) -> Vectors:
        rows = [[float(lexemes(text, language("en"))[word]) for word in self._words] for text in texts]
        vectors = np.array(rows, np.float32)
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6), np.float32)

    passages = queries

    async def close(self) -> None:
        """Nothing is open."""


async def retriever(texts: Mapping[str, str] = TEXTS) -> IndexRetriever:
    index, embedder = MemoryIndex(), WordEmbedder()
    for name, text in texts.items():
        chunks = chunk_document(Document(name, "", text, f"{name}.md"))
        vectors = await embedder.passages([searchable_text(chunk) for chunk in chunks])
        rows = [IndexedChunk(chunk, vector, "1") for chunk, vector in zip(chunks, vectors, strict=True)]
        await index.upsert(DOCS, rows, embedder.name)
    return IndexRetriever(DOCS, index, embedder)


async def test_the_passage_that_answers_comes_first_and_is_sure() -> None:
    found = await (await retriever()).retrieve("How do I rotate an API key?", [], limit=2)
    assert [item.chunk.document_id for item in found.evidence] == ["keys", "widget"]
    assert found.confidence > 0.5
    assert found.rarities.keys() == {"rotat", "api", "key"}


async def test_a_follow_up_is_searched_with_what_was_said_before() -> None:
    history = [
        Message(Role.USER, "What does a backup hold?"),
        Message(Role.ASSISTANT, "A backup holds the database. [1]"),
    ]
    alone = await (await retriever()).retrieve("And what else?", [], limit=1)
    in_context = await (await retriever()).retrieve("And what else?", history, limit=1)
    assert alone.confidence < 0.5
    assert in_context.evidence[0].chunk.document_id == "backup"


async def test_what_the_documents_do_not_speak_of_is_unsure_and_out_of_scope() -> None:
    found = await (await retriever()).retrieve("Do ducks sleep?", [], limit=3)
    assert found.confidence < 0.1
    assert found.in_scope < 0.1


async def test_no_more_passages_come_back_than_asked_for() -> None:
    found = await (await retriever()).retrieve("key", [], limit=1)
    assert len(found.evidence) == 1


async def test_questions_that_are_searched_together_find_what_each_finds_alone() -> None:
    questions, subject = ["How do I rotate an API key?", "Do ducks sleep?", "What is the widget?"], await retriever()
    together = await subject.retrieve_each(questions, limit=2)
    assert together == [await subject.retrieve(question, [], limit=2) for question in questions]
    assert len({found.confidence for found in together}) == 3


async def test_a_deep_retrieval_that_is_cut_holds_what_a_shallow_one_finds() -> None:
    keys = (
        "# Keys\n\nTo rotate an API key, create a new key.\n\n# Revoke\n\nRevoke the old key.\n\n# Backup\n\nA folder."
    )
    subject, question = await retriever({"keys": keys, "widget": TEXTS["widget"]}), "How do I rotate an API key?"
    shallow, deep = [await subject.retrieve(question, [], limit=limit) for limit in (1, 9)]
    assert len(shallow.around) == 2
    assert cut(deep, 1).evidence == shallow.evidence
    assert {each.chunk.chunk_id for each in cut(deep, 1).around} == {each.chunk.chunk_id for each in shallow.around}
