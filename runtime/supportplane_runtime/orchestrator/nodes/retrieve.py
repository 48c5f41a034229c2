"""Second step: the passages for a question, from every knowledge base of the agent at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from langgraph.runtime import Runtime

from supportplane_runtime.domain.conversation import Message
from supportplane_runtime.orchestrator.progress import step_began
from supportplane_runtime.orchestrator.state import TurnContext, TurnState
from supportplane_runtime.rag.search.interfaces import Retrieval, Retriever


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


class RetrieveNode:
    def __init__(self, knowledge: Sequence[Knowledge]) -> None:
        self._knowledge = knowledge

    async def __call__(self, state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
        known = state["understanding"]
        runtime.context.emit(step_began("retrieve", known.language))
        # The message as it was written: retrieval weighs the conversation itself, and was fitted that way.
        return {"retrieval": await retrieve(state["turn"].question, state["history"], self._knowledge)}
