"""Puts each question through the agent's own graph and notes what came of it, for summary.py.

The graph is the one that serves customers, without a checkpoint and without a model unless one is given; a recorder
stands between it and its retriever, so the ranking that is measured is the one the turn was answered from.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final
from uuid import uuid4

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import Message, Role, Turn, TurnStatus
from supportplane_runtime.evaluation.dataset import Question
from supportplane_runtime.orchestrator.graph import Parts, build_graph, run_turn
from supportplane_runtime.orchestrator.nodes.decide import FITTED, Thresholds
from supportplane_runtime.orchestrator.nodes.retrieve import Knowledge
from supportplane_runtime.orchestrator.policy import Policy
from supportplane_runtime.rag.index.interfaces import ChunkIndex, Collection
from supportplane_runtime.rag.search import confidence, fusion
from supportplane_runtime.rag.search.interfaces import Retrieval
from supportplane_runtime.rag.search.retriever import IndexRetriever, cut
from supportplane_runtime.turns.events import Token, TurnEvent

# Passages that are looked at for the ranking of documents; what the turn reads is TOP_K of them, the schema's default.
DEPTH: Final = 50
TOP_K: Final = 6
# What would go to a person is answered too, for a reader to judge whether it should have been.
ANSWER_ALL: Final = Thresholds(answer=0.0, in_scope=0.0)


@dataclass(frozen=True, slots=True)
class Observation:
    """What became of a question. ranking: documents, best first; empty when the turn did not retrieve.

    features: what the confidence was made of, by name.
    """

    question: Question
    answer: Answer
    ranking: tuple[str, ...]
    confidence: float
    baseline: tuple[str, ...]
    baseline_with_last: tuple[str, ...]
    first_token_s: float | None
    answer_s: float
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Recorder:
    """Satisfies Retriever: hands on what the turn asks for and keeps the deeper ranking it was cut from.

    A turn asks for its whole question first, perhaps again with its conversation, and then for the parts of it, which
    are not kept.
    """

    retriever: IndexRetriever
    found: Retrieval | None = None
    asked: tuple[str, Sequence[Message]] | None = None

    async def retrieve(self, question: str, history: Sequence[Message], *, limit: int) -> Retrieval:
        return self._seen(await self.retriever.retrieve(question, history, limit=max(limit, DEPTH)), history, limit)

    async def retrieve_each(self, questions: Sequence[str], *, limit: int) -> list[Retrieval]:
        found = await self.retriever.retrieve_each(questions, limit=max(limit, DEPTH))
        return [self._seen(each, (), limit) for each in found]

    def _seen(self, found: Retrieval, history: Sequence[Message], limit: int) -> Retrieval:
        if self.asked is None or found.question == self.asked[0]:
            self.asked, self.found = (found.question, history), found
        return cut(found, limit)

    async def features(self) -> dict[str, float]:
        """Of the whole question, searched once more, so that the turn's own time holds nothing but the turn."""
        if self.asked is None:
            return {}
        found = await self.retriever.find(*self.asked)
        return asdict(confidence.features(found)) if found.ranked else {}


@dataclass(slots=True)
class Listener:
    """Hears a turn's events. first_token_s: from the question on."""

    began: float = field(default_factory=time.perf_counter)
    first_token_s: float | None = None
    events: int = 0

    def __call__(self, make: Callable[[int], TurnEvent]) -> None:
        self.events += 1
        if isinstance(make(self.events), Token) and self.first_token_s is None:
            self.first_token_s = time.perf_counter() - self.began


class Asker:
    def __init__(
        self,
        retriever: IndexRetriever,
        index: ChunkIndex,
        collection: Collection,
        *,
        thresholds: Thresholds = FITTED,
    ) -> None:
        self._recorder = Recorder(retriever)
        self._index = index
        self._collection = collection
        policy = Policy(tenant=collection.tenant, language=collection.language)
        parts = Parts(policy, knowledge=[Knowledge(self._recorder, TOP_K)], thresholds=thresholds)
        self._graph = build_graph(parts, checkpointer=None)

    async def ask(self, question: Question) -> Observation:
        history = messages(question)
        self._recorder.found = self._recorder.asked = None
        listener = Listener()
        ending = await run_turn(self._graph, self._turn(question), history, listener)
        took = time.perf_counter() - listener.began
        found = self._recorder.found
        return Observation(
            question=question,
            answer=ending.answer,
            ranking=tuple(fusion.documents(found.evidence)) if found else (),
            confidence=found.confidence if found else 0.0,
            baseline=await self._keyword(question.question),
            baseline_with_last=await self._keyword(f"{_last_question(question)} {question.question}"),
            first_token_s=listener.first_token_s,
            answer_s=took,
            features=await self._recorder.features(),
        )

    async def _keyword(self, text: str) -> tuple[str, ...]:
        """The baseline: BM25 with stemming, nothing else."""
        hits = await self._index.keyword(self._collection, text, limit=DEPTH)
        return tuple(dict.fromkeys(hit.chunk.document_id for hit in hits))

    def _turn(self, question: Question) -> Turn:
        return Turn(
            tenant=self._collection.tenant,
            turn_id=uuid4(),
            conversation_id=uuid4(),
            user_id="eval",
            question=question.question,
            context={},
            status=TurnStatus.ACCEPTED,
        )


def messages(question: Question) -> list[Message]:
    return [Message(Role.USER if said.is_users else Role.ASSISTANT, said.content) for said in question.history]


def _last_question(question: Question) -> str:
    return next((said.content for said in reversed(question.history) if said.is_users), "")
