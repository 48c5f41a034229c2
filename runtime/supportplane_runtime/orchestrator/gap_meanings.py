"""What the questions of gaps mean: embedded after their turns, so that whoever reads gaps needs no model.

A chore of the processes that work on turns, which hold the embedder; started by app/worker.py.
"""

from dataclasses import dataclass
from typing import Final

from supportplane_runtime import metrics
from supportplane_runtime.orchestrator.nodes.understand import understand
from supportplane_runtime.orchestrator.policy import Policy
from supportplane_runtime.rag.embedding.interfaces import Embedder
from supportplane_runtime.store.interfaces.gaps import Gaps, Meaning, PlacedQuestion, UnplacedQuestion

PERIOD_S: Final = 30.0
BATCH: Final = 100  # in a period: a second or two of a processor (4 to 9 ms a question, idle)


@dataclass(frozen=True, slots=True)
class GapMeanings:
    """Of the policy's tenant and agent."""

    gaps: Gaps
    embedder: Embedder
    policy: Policy

    async def place(self) -> None:
        """Raises StoreUnavailable."""
        found, waiting = await self.gaps.unplaced(
            self.policy.tenant, agent=self.policy.agent, embedder=self.embedder.name, limit=BATCH
        )
        # One after the other, so that a customer's question waits for one of them at most.
        placed = [await self._placed(each) for each in found]
        await self.gaps.place(self.policy.tenant, placed)
        metrics.GAPS_UNGROUPED.set(waiting - len(placed))

    async def _placed(self, asked: UnplacedQuestion) -> PlacedQuestion:
        question = understand(asked.question, asked.history, expected_language=self.policy.language).question
        (vector,) = await self.embedder.queries([question])
        meaning = Meaning(self.embedder.name, self.embedder.unrelated, vector.astype("<f4").tobytes())
        return PlacedQuestion(asked.turn_id, question, meaning)
