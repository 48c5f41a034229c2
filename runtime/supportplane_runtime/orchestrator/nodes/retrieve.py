"""Second step: the passages for a question and for its parts, from every knowledge base of the agent at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from langgraph.runtime import Runtime

from supportplane_runtime.domain.conversation import Message
from supportplane_runtime.domain.knowledge import Evidence
from supportplane_runtime.orchestrator.language import spoken_language
from supportplane_runtime.orchestrator.nodes.decide import Thresholds
from supportplane_runtime.orchestrator.parts import Part, parts
from supportplane_runtime.orchestrator.progress import step_began
from supportplane_runtime.orchestrator.state import TurnContext, TurnState
from supportplane_runtime.rag.search.interfaces import PartFound, Retrieval, Retriever


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A knowledge base and how many of its passages are read (knowledge[].topK)."""

    retriever: Retriever
    top_k: int


async def retrieve(question: str, history: Sequence[Message], knowledge: Sequence[Knowledge]) -> Retrieval:
    """Raises KnowledgeUnavailable: an answer from half of the documents would be wrong without anyone seeing it."""
    found = await asyncio.gather(*(base.retriever.retrieve(question, history, limit=base.top_k) for base in knowledge))
    return merged(question, found)


def merged(question: str, found: Sequence[Retrieval]) -> Retrieval:
    """The passages of all, best first; what the best base says about confidence and scope.

    Without any knowledge base everything is in scope and nothing answers it, so every question is handed off.
    """
    if not found:
        return Retrieval(question, evidence=(), confidence=0.0, in_scope=1.0)
    if len(found) == 1:
        return found[0]
    evidence = sorted((item for one in found for item in one.evidence), key=lambda item: item.score, reverse=True)
    rarities: dict[str, float] = {}
    for one in found:
        rarities |= one.rarities
    confidence, in_scope = max(one.confidence for one in found), max(one.in_scope for one in found)
    around = tuple(item for one in found for item in one.around)
    return Retrieval(question, tuple(evidence), confidence, in_scope, rarities=rarities, around=around)


def with_parts(whole: Retrieval, found: Sequence[tuple[Part, Retrieval]], thresholds: Thresholds) -> Retrieval:
    """The whole question's retrieval with what was found for its parts.

    A question of several parts is as likely answered as its parts are on average, and is answered as soon as one part
    is: what is not is said to be so.
    """
    questions = [each for part, each in found if part.is_question]
    confidence, evidence = whole.confidence, whole.evidence
    if any(each.confidence >= thresholds.answer for each in questions):
        confidence = max(thresholds.answer, sum(each.confidence for each in questions) / len(questions))
        evidence = _distinct([*(item for each in questions for item in each.evidence[:1]), *whole.evidence])
    known = {item.chunk.chunk_id for item in evidence}
    others = _distinct([*whole.around, *(item for _, each in found for item in each.passages)])
    return replace(
        whole,
        evidence=evidence,
        confidence=confidence,
        in_scope=max([whole.in_scope, *(each.in_scope for each in questions)]),
        around=tuple(item for item in others if item.chunk.chunk_id not in known),
        parts=tuple(_part_found(part, each, thresholds) for part, each in found),
    )


def _distinct(items: Sequence[Evidence]) -> tuple[Evidence, ...]:
    first = {item.chunk.chunk_id: item for item in reversed(items)}
    return tuple(first[chunk_id] for chunk_id in dict.fromkeys(item.chunk.chunk_id for item in items))


def _part_found(part: Part, found: Retrieval, thresholds: Thresholds) -> PartFound:
    return PartFound(
        text=part.text,
        query=part.query,
        evidence=tuple(item.chunk.chunk_id for item in found.evidence),
        rarities=found.rarities,
        is_question=part.is_question,
        answered=bool(found.evidence) and found.confidence >= thresholds.answer,
    )


class RetrieveNode:
    def __init__(self, knowledge: Sequence[Knowledge], thresholds: Thresholds) -> None:
        self._knowledge = knowledge
        self._thresholds = thresholds

    async def __call__(self, state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
        known, question, history = state["understanding"], state["turn"].question, state["history"]
        runtime.context.emit(step_began("retrieve", known.language))
        before = known.question.removesuffix(question).strip()
        asked = parts(question, spoken_language(known.language), before)
        # The message as it was written: retrieval weighs the conversation itself, and was fitted that way.
        searches = [(question, history), *((part.query, ()) for part in asked)]
        whole, *found = await asyncio.gather(*(retrieve(text, said, self._knowledge) for text, said in searches))
        if asked:
            whole = with_parts(whole, list(zip(asked, found, strict=True)), self._thresholds)
        return {"retrieval": whole}
