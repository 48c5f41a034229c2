"""Third step: drafts of sentences. Nothing of them is used before nodes/verify.py has checked it.

With ``writing: Verified`` the model writes, bound by a JSON schema to name the passage of each sentence. Otherwise, or
when the model is away or nothing of what it wrote holds, sentences are taken from the passages themselves.
"""

import secrets
from contextlib import aclosing
from dataclasses import dataclass

from langgraph.runtime import Runtime

from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.model.interfaces import ChatModel, Generation
from supportplane_runtime.orchestrator import prompt
from supportplane_runtime.orchestrator.drafts import Drafts
from supportplane_runtime.orchestrator.grounding import extract
from supportplane_runtime.orchestrator.language import spoken_language
from supportplane_runtime.orchestrator.policy import WritingPolicy
from supportplane_runtime.orchestrator.progress import step_began
from supportplane_runtime.orchestrator.state import TurnContext, TurnState, Understanding
from supportplane_runtime.orchestrator.written import drafts_in
from supportplane_runtime.rag.search.interfaces import Retrieval


@dataclass(frozen=True, slots=True)
class Writer:
    """A model that may write, and how."""

    model: ChatModel
    policy: WritingPolicy


async def extracted(known: Understanding, retrieval: Retrieval) -> Drafts:
    for draft in extract(known.question, retrieval):
        yield draft


async def written(writer: Writer, turn: Turn, known: Understanding, retrieval: Retrieval) -> Drafts:
    """Raises ModelUnavailable, before or between sentences."""
    evidence = prompt.fitting(retrieval.evidence)
    asked = prompt.messages(
        known.question,
        evidence,
        language=spoken_language(known.language).name,
        instructions=writer.policy.instructions,
        context=turn.context,
        code=secrets.token_hex(4),
    )
    generation = Generation(
        max_tokens=writer.policy.max_tokens,
        temperature=writer.policy.temperature,
        schema=prompt.answer_schema(len(evidence)),
    )
    async with aclosing(writer.model.stream(asked, generation)) as deltas:
        async for draft in drafts_in(deltas, passages=len(evidence)):
            yield draft


class AnswerNode:
    def __init__(self, writer: Writer | None) -> None:
        self._writer = writer

    async def __call__(self, state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
        known, retrieval = state["understanding"], state["retrieval"]
        runtime.context.emit(step_began("answer", known.language))
        if self._writer is None:
            return {"drafts": extracted(known, retrieval)}
        return {"drafts": written(self._writer, state["turn"], known, retrieval)}
