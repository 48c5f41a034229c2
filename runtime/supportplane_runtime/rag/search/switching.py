"""Asks the collection of the embedding model whose vectors answer now, and notices when another takes over.

While a knowledge base is embedded anew, its old collection answers. Ingestion saves the last reading with the new model
and then drops the old collection, so whoever finds nothing in it looks again which one answers. A turn costs no further
statement as long as something is found. Made by app/clients.py.
"""

from collections.abc import Awaitable, Callable, Sequence

from supportplane_runtime.domain.conversation import Message
from supportplane_runtime.rag.search.interfaces import Retrieval, Retriever


class SwitchingRetriever:
    """Satisfies Retriever.

    answering: the model whose vectors answer, as the last reading says. of: the retriever over its collection.
    """

    def __init__(self, answering: Callable[[], Awaitable[str]], of: Callable[[str], Retriever]) -> None:
        self._answering = answering
        self._of = of
        self._model: str | None = None

    async def retrieve(self, question: str, history: Sequence[Message], *, limit: int) -> Retrieval:
        async def asked(retriever: Retriever) -> list[Retrieval]:
            return [await retriever.retrieve(question, history, limit=limit)]

        (found,) = await self._where_it_answers(asked)
        return found

    async def retrieve_each(self, questions: Sequence[str], *, limit: int) -> list[Retrieval]:
        return await self._where_it_answers(lambda retriever: retriever.retrieve_each(questions, limit=limit))

    async def _where_it_answers(self, ask: Callable[[Retriever], Awaitable[list[Retrieval]]]) -> list[Retrieval]:
        model = self._model or await self._look()
        found = await ask(self._of(model))
        if any(each.evidence for each in found):
            return found
        now = await self._look()
        return found if now == model else await ask(self._of(now))

    async def _look(self) -> str:
        self._model = await self._answering()
        return self._model
