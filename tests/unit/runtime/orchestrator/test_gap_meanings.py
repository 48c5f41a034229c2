"""Questions of gaps are embedded after their turns, in the context that they were asked in."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from prometheus_client import REGISTRY

from support.runtime.store_samples import ANSWER, next_question, question
from supportplane_runtime.domain.conversation import Feedback, Rating
from supportplane_runtime.domain.ending import Ending, NoteGap
from supportplane_runtime.domain.gaps import GapReason
from supportplane_runtime.orchestrator import gap_meanings
from supportplane_runtime.orchestrator.gap_meanings import GapMeanings
from supportplane_runtime.orchestrator.policy import Policy
from supportplane_runtime.rag.embedding.interfaces import Vectors
from supportplane_runtime.store.memory.store import MemoryStore

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class CountingEmbedder:
    """A vector that tells the number of letters; remembers how many texts were asked for at once."""

    name = "counting"
    dimensions = 1
    unrelated = 0.25

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []

    async def queries(self, texts: Sequence[str]) -> Vectors:
        self.asked.append(texts)
        return np.array([[len(text)] for text in texts], np.float32)

    async def passages(self, texts: Sequence[str]) -> Vectors:
        return await self.queries(texts)

    async def close(self) -> None:
        return


async def noted(store: MemoryStore, text: str) -> None:
    turn = (await store.turnbook.accept(question("acme", question=text), lease_owner="w", history_limit=0)).turn
    await store.turnbook.finish(turn, Ending(ANSWER, (NoteGap(GapReason.UNSURE, text),)))


async def test_questions_are_embedded_one_after_the_other_and_once() -> None:
    store, embedder = MemoryStore(), CountingEmbedder()
    chore = GapMeanings(store.gaps, embedder, Policy(tenant="acme", agent="shop"))
    for text in ("How do I fly?", "How do I swim?"):
        await noted(store, text)

    await chore.place()
    await chore.place()

    assert embedder.asked == [["How do I swim?"], ["How do I fly?"]]
    found = await store.gaps.listing("acme", since=LONG_AGO, agent=None, limit=9)
    assert [gap.meaning and (gap.meaning.embedder, gap.meaning.unrelated) for gap in found] == [("counting", 0.25)] * 2
    assert [gap.meaning and np.frombuffer(gap.meaning.vector, "<f4").tolist() for gap in found] == [[14.0], [13.0]]


async def test_a_follow_up_is_embedded_with_the_question_that_it_leans_on() -> None:
    store, embedder = MemoryStore(), CountingEmbedder()
    first = (await store.turnbook.accept(question("acme"), lease_owner="w", history_limit=0)).turn
    await store.turnbook.finish(first, Ending(ANSWER))
    request = next_question(first.conversation_id, "acme", question="And on Windows?")
    second = (await store.turnbook.accept(request, lease_owner="w", history_limit=9)).turn
    await store.turnbook.finish(second, Ending(ANSWER))
    await store.feedback.save(Feedback("acme", second.turn_id, "alice", Rating.DOWN), any_user=False)

    await GapMeanings(store.gaps, embedder, Policy(tenant="acme")).place()

    assert embedder.asked == [["How do I rotate an API key?\nAnd on Windows?"]]


async def test_what_waits_for_the_next_time_is_told() -> None:
    store = MemoryStore()
    for number in range(gap_meanings.BATCH + 2):
        await noted(store, f"How do I build rocket {number}?")
    chore = GapMeanings(store.gaps, CountingEmbedder(), Policy(tenant="acme"))

    await chore.place()
    waiting = REGISTRY.get_sample_value("supportplane_gaps_ungrouped")
    await chore.place()

    assert waiting == 2
    assert REGISTRY.get_sample_value("supportplane_gaps_ungrouped") == 0
