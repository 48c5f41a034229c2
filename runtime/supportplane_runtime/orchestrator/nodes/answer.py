"""Third step: drafts of sentences, by whoever drafts for this agent. nodes/verify.py takes them one by one."""

from langgraph.runtime import Runtime

from supportplane_runtime.orchestrator.drafters import Drafter
from supportplane_runtime.orchestrator.progress import step_began
from supportplane_runtime.orchestrator.state import TurnContext, TurnState


class AnswerNode:
    def __init__(self, drafter: Drafter) -> None:
        self._drafter = drafter

    async def __call__(self, state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
        known = state["understanding"]
        runtime.context.emit(step_began("answer", known.language))
        return {"drafts": self._drafter.drafts(state["turn"], known, state["retrieval"])}
