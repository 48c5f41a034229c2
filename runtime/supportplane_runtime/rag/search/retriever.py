"""A question and its conversation to ranked evidence, over one knowledge base; called by the graph's retrieve node.

Searches by every view of the turn (fusion.py says which), by words and by meaning, all at once, and leaves ranking to
fusion.py and the judgement of the result to confidence.py, which are pure. Raises KnowledgeUnavailable when the index
does not answer: no answer is better than one from half the knowledge.
"""

from collections.abc import Sequence
from typing import Final

from supportplane_runtime import metrics
from supportplane_runtime.domain.conversation import Message
from supportplane_runtime.domain.knowledge import Evidence
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


class IndexRetriever:
    """Satisfies Retriever."""

    def __init__(self, collection: Collection, index: ChunkIndex, embedder: Embedder) -> None:
        self._collection = collection
        self._index = index
        self._embedder = embedder

    async def retrieve(self, question: str, history: Sequence[Message], *, limit: int) -> Retrieval:
        found = await self.find(question, history)
        judged = confidence.judge(found)
        evidence = tuple(confidence.scored(found.ranked[:limit], judged.confidence))
        around = await self._around(evidence)
        return Retrieval(question, evidence, judged.confidence, judged.in_scope, found.rarities, around)

    async def _around(self, evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
        """What stands before and after the best in their documents; a run of the page may begin or end there."""
        best = {(each.chunk.document_id, each.chunk.position): each for each in reversed(evidence[:LEADERS])}
        found = {each.chunk.chunk_id for each in evidence}
        stretches = [Stretch(document, position - BEFORE, position + AFTER) for document, position in best]
        with metrics.SEARCH_SECONDS.time():
            chunks = await self._index.stretches(self._collection, stretches)
        return tuple(Evidence(chunk, 0.0, 0.0, 0.0) for chunk in chunks if chunk.chunk_id not in found)

    async def find(self, question: str, history: Sequence[Message]) -> Found:
        """What ``retrieve`` sees before it is judged and cut; the judgement is fitted on it (evaluation/fitting.py)."""
        views = fusion.views(question, history)
        with metrics.EMBEDDING_SECONDS.time():
            vectors = await self._embedder.queries([view.text for view in views])
        queries = [Query(view.text, vector) for view, vector in zip(views, vectors, strict=True)]
        wanted = list(lexemes(question, language(self._collection.language)))
        with metrics.SEARCH_SECONDS.time():
            found = await self._index.search(self._collection, queries, words=wanted, limit=CANDIDATES)
        hits = zip(views, found.keyword, found.nearest, strict=True)
        searches = [self._search(view, keyword, nearest) for view, keyword, nearest in hits]
        return Found(searches, found.rarities, fusion.fuse(searches, found.rarities), found.chunks)

    def _search(self, view: View, keyword: Sequence[Hit], nearest: Sequence[Hit]) -> Search:
        return Search(self._collection, view, self._embedder.unrelated, keyword, nearest)
