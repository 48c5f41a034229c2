"""What words and meaning find together in the handbooks of several languages, and how sure the agent is of it.

Run by hand: pytest -s tests/bench/test_handbooks.py. The figures of ADR 0040.
"""

import pytest

from support.runtime.handbook import handbook
from supportplane_crds import embedding_model_of
from supportplane_runtime.rag.embedding.local import LocalEmbedders
from supportplane_runtime.rag.index.interfaces import Collection
from supportplane_runtime.rag.index.memory import MemoryIndex
from supportplane_runtime.rag.ingestion.ingest import IngestionParts, ingest
from supportplane_runtime.rag.ingestion.lock import MemoryIngestionLock
from supportplane_runtime.rag.search import fusion
from supportplane_runtime.rag.search.confidence import judge
from supportplane_runtime.rag.search.retriever import IndexRetriever

ANSWERED = 0.5


async def asked(retriever: IndexRetriever, question: str) -> tuple[list[str], bool]:
    """Documents, best first, and whether the question is answered."""
    found = await retriever.find(question, [])
    return fusion.documents(found.ranked), judge(found).confidence >= ANSWERED


@pytest.mark.parametrize("language", ["de", "ja", "zh", "th", "ko"])
async def test_a_handbook_is_asked(language: str) -> None:
    told, embedders, index = handbook(language), LocalEmbedders(threads=2), MemoryIndex()
    collection = Collection("acme", "handbook", language, embedding_model_of(language))
    parts = IngestionParts(index, embedders, MemoryIngestionLock())
    await ingest(collection, told.reading, parts, progress=lambda _: None)
    retriever = IndexRetriever(collection, index, embedders.of(collection.embedding))
    for kind, questions in told.questions.items():
        rows = [(name, *await asked(retriever, question)) for question, name in questions]
        first = sum(found[:1] == [name] for name, found, _ in rows)
        among = sum(name in found[:5] for name, found, _ in rows)
        answered = sum(is_answered for *_, is_answered in rows)
        print(f"{language} {kind}: {len(rows)} questions, hit@1 {first}, hit@5 {among}, answered {answered}")
    outside = [await asked(retriever, question) for question in told.outside]
    print(f"{language} outside: {len(outside)} questions, answered {sum(is_answered for _, is_answered in outside)}")
    await embedders.close()
