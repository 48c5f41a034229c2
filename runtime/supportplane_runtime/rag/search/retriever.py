"""A question and its conversation to ranked evidence, over one knowledge base; called by the graph's retrieve node.

Searches by every view of the turn (fusion.py says which), by words and by meaning, all at once, and leaves ranking to
fusion.py and the judgement of the result to confidence.py, which are pure. Raises KnowledgeUnavailable when the index
does not answer: no answer is better than one from half the knowledge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from supportplane_runtime import metrics
from supportplane_runtime.domain.conversation import Message
from supportplane_runtime.domain.knowledge import Chunk, Evidence
from supportplane_runtime.languages import language
from supportplane_runtime.rag.embedding.interfaces import Embedder
from supportplane_runtime.rag.index.interfaces import ChunkIndex, Collection, Hit, Query, Stretch
from supportplane_runtime.rag.search import confidence, fusion
from supportplane_runtime.rag.search.confidence import Found
from supportplane_runtime.rag.search.fusion import Search, View
from supportplane_runtime.rag.search.interfaces import Retrieval
from supportplane_runtime.rag.words.lexemes import lexemes

# Of each search. With 200 mtrag_un ranks 2 of 125 questions worse and mongodb_faq the same.
CANDIDATES: Final = 50
# A run is quoted from one of these, and reaches so many passages back and ahead: two are a list of 2,400 characters,
# and short sections, each a passage, are the steps of a procedure. Guesses.
LEADERS: Final = 3
BEFORE: Final = 3
AFTER: Final = 4

_Asked = tuple[str, Sequence[Message]]  # a question and what was said before it


class IndexRetriever:
    """Satisfies Retriever."""

    def __init__(self, collection: Collection, index: ChunkIndex, embedder: Embedder) -> None:
        self._collection = collection
        self._index = index
        self._embedder = embedder

    async def retrieve(self, question: str, history: Sequence[Message], *, limit: int) -> Retrieval:
        (found,) = await self._retrieve([(question, history)], limit=limit)
        return found

    async def retrieve_each(self, questions: Sequence[str], *, limit: int) -> list[Retrieval]:
        return await self._retrieve([(question, ()) for question in questions], limit=limit)

    async def find(self, question: str, history: Sequence[Message]) -> Found:
        """What ``retrieve`` sees before it is judged and cut; the judgement is fitted on it (evaluation/fitting.py)."""
        (found,) = await self._find([(question, history)])
        return found

    async def _retrieve(self, asked: Sequence[_Asked], *, limit: int) -> list[Retrieval]:
        found = await self._find(asked)
        return await self._with_around([_retrieval(*each, limit=limit) for each in zip(asked, found, strict=True)])

    async def _with_around(self, found: Sequence[Retrieval]) -> list[Retrieval]:
        """What stands before and after the best in their documents; a run of the page may begin or end there."""
        stretches = [_stretches(each.evidence[:LEADERS]) for each in found]
        wanted = list(dict.fromkeys(stretch for of_one in stretches for stretch in of_one))
        with metrics.SEARCH_SECONDS.time():
            chunks = await self._index.stretches(self._collection, wanted)
        return [
            replace(each, around=_around(chunks, of_one, each.evidence))
            for each, of_one in zip(found, stretches, strict=True)
        ]

    async def _find(self, asked: Sequence[_Asked]) -> list[Found]:
        views = [fusion.views(*each) for each in asked]
        words = [list(lexemes(question, language(self._collection.language))) for question, _ in asked]
        texts = [view.text for of_one in views for view in of_one]
        with metrics.EMBEDDING_SECONDS.time():
            vectors = await self._embedder.queries(texts)
        queries = [Query(text, vector) for text, vector in zip(texts, vectors, strict=True)]
        wanted = list(dict.fromkeys(word for of_one in words for word in of_one))
        with metrics.SEARCH_SECONDS.time():
            matches = await self._index.search(self._collection, queries, words=wanted, limit=CANDIDATES)
        hits = zip(matches.keyword, matches.nearest, strict=True)
        searches = [[self._search(view, *next(hits)) for view in of_one] for of_one in views]
        rarities = [{word: matches.rarities[word] for word in of_one} for of_one in words]
        return [_found(*each, chunks=matches.chunks) for each in zip(searches, rarities, strict=True)]

    def _search(self, view: View, keyword: Sequence[Hit], nearest: Sequence[Hit]) -> Search:
        return Search(self._collection, view, self._embedder.unrelated, keyword, nearest)


def _found(searches: Sequence[Search], rarities: Mapping[str, float], *, chunks: int) -> Found:
    return Found(searches, rarities, fusion.fuse(searches, rarities), chunks)


def _retrieval(asked: _Asked, found: Found, *, limit: int) -> Retrieval:
    judged = confidence.judge(found)
    evidence = tuple(confidence.scored(found.ranked[:limit], judged.confidence))
    return Retrieval(asked[0], evidence, judged.confidence, judged.in_scope, found.rarities)


def _stretches(best: Sequence[Evidence]) -> list[Stretch]:
    places = dict.fromkeys((each.chunk.document_id, each.chunk.position) for each in best)
    return [Stretch(document, position - BEFORE, position + AFTER) for document, position in places]


def _around(chunks: Sequence[Chunk], stretches: Sequence[Stretch], found: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Of the chunks those that stand in one of the stretches and were not found."""
    known = {each.chunk.chunk_id for each in found}
    near = (chunk for chunk in chunks if any(stretch.holds(chunk) for stretch in stretches))
    return tuple(Evidence(chunk, 0.0, 0.0, 0.0) for chunk in near if chunk.chunk_id not in known)


def cut(found: Retrieval, limit: int) -> Retrieval:
    """What a retrieval of fewer passages finds: what is cut off is still there where it stands near the best."""
    kept = found.evidence[:limit]
    near = _around([each.chunk for each in found.evidence], _stretches(kept[:LEADERS]), kept)
    return replace(found, evidence=kept, around=(*found.around, *near))
