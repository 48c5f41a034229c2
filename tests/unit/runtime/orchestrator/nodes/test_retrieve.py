import pytest

from support.runtime.turn_parts import BACKUP, ROTATE, FixedRetriever
from supportplane_runtime.domain.conversation import Message, Role
from supportplane_runtime.errors import KnowledgeUnavailable
from supportplane_runtime.orchestrator.nodes.retrieve import Knowledge, retrieve
from supportplane_runtime.rag.search.interfaces import Retrieval


async def test_the_passages_of_every_knowledge_base_come_best_first() -> None:
    small = FixedRetriever((BACKUP,), confidence=0.2, in_scope=0.4)
    large = FixedRetriever((ROTATE,), confidence=0.8, in_scope=0.3)
    history = [Message(Role.USER, "before")]
    found = await retrieve("q", history, [Knowledge(small, 3), Knowledge(large, 3)])
    assert found == Retrieval("q", (ROTATE, BACKUP), confidence=0.8, in_scope=0.4)
    assert small.questions == large.questions == [("q", tuple(history))]


async def test_each_knowledge_base_gives_its_own_number_of_passages() -> None:
    found = await retrieve("q", [], [Knowledge(FixedRetriever(), 1)])
    assert found.evidence == (ROTATE,)


async def test_without_knowledge_everything_is_in_scope_and_nothing_answers() -> None:
    assert await retrieve("q", [], []) == Retrieval("q", (), confidence=0.0, in_scope=1.0)


async def test_half_of_the_knowledge_is_not_answered_from() -> None:
    async def away() -> None:
        raise KnowledgeUnavailable("away")

    with pytest.raises(KnowledgeUnavailable):
        await retrieve("q", [], [Knowledge(FixedRetriever(), 3), Knowledge(FixedRetriever(wait=away), 3)])
