from collections.abc import Sequence

from supportplane_runtime.domain.conversation import Message
from supportplane_runtime.domain.knowledge import Chunk, Evidence
from supportplane_runtime.rag.search.interfaces import Retrieval
from supportplane_runtime.rag.search.switching import SwitchingRetriever

FOUND = Evidence(Chunk("c", "d", "", (), "text", "", 0), 1.0, 1.0, 1.0)


class Base:
    """A knowledge base with a collection for each model: full or dropped."""

    def __init__(self, answering: str, *full: str) -> None:
        self.answering = answering
        self.full = set(full)
        self.looked = 0

    async def look(self) -> str:
        self.looked += 1
        return self.answering

    def of(self, model: str) -> "Searched":
        return Searched(self, model)

    async def answer(self, retriever: SwitchingRetriever) -> str:
        """The model whose passages answered, or nothing."""
        found = await retriever.retrieve("How?", [], limit=1)
        return found.question if found.evidence else ""


class Searched:
    """Satisfies Retriever. The question of the result says who was asked."""

    def __init__(self, base: Base, model: str) -> None:
        self._base = base
        self._model = model

    async def retrieve(self, question: str, history: Sequence[Message], *, limit: int) -> Retrieval:
        del question, history, limit
        return Retrieval(self._model, (FOUND,) if self._model in self._base.full else (), 0.5, 0.5)

    async def retrieve_each(self, questions: Sequence[str], *, limit: int) -> list[Retrieval]:
        return [await self.retrieve(each, [], limit=limit) for each in questions]


async def test_the_old_passages_answer_until_the_new_ones_take_over() -> None:
    base = Base("old", "old", "new")
    retriever = SwitchingRetriever(base.look, base.of)
    assert [await base.answer(retriever) for _ in range(3)] == ["old"] * 3
    assert base.looked == 1  # a turn costs no further statement

    base.answering = "new"
    base.full.remove("old")
    assert [await base.answer(retriever) for _ in range(3)] == ["new"] * 3
    assert base.looked == 2


async def test_the_parts_of_a_question_are_asked_where_the_whole_is() -> None:
    base = Base("old", "new")
    retriever = SwitchingRetriever(base.look, base.of)
    assert [each.evidence for each in await retriever.retrieve_each(["How?", "When?"], limit=1)] == [(), ()]
    base.answering = "new"
    assert [each.question for each in await retriever.retrieve_each(["How?", "When?"], limit=1)] == ["new", "new"]


async def test_where_nothing_is_indexed_nothing_is_found() -> None:
    base = Base("old")
    assert await base.answer(SwitchingRetriever(base.look, base.of)) == ""
