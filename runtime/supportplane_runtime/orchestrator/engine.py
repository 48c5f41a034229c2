"""The graph with its checkpoints: what turns.py runs. One per process."""

from collections.abc import Sequence
from datetime import UTC, datetime

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

from supportplane_runtime.domain.conversation import Message, Turn
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.orchestrator.checkpoints import forget, stale_threads
from supportplane_runtime.orchestrator.graph import Parts, build_graph, run_turn, thread_id
from supportplane_runtime.orchestrator.state import Emit


class GraphEngine:
    """Engine of work.py."""

    def __init__(self, parts: Parts, saver: AsyncPostgresSaver) -> None:
        self._graph = build_graph(parts, saver)
        self._saver = saver

    async def run(self, turn: Turn, history: Sequence[Message], emit: Emit) -> Ending:
        return await run_turn(self._graph, turn, history, emit)

    async def forget(self, turns: Sequence[Turn]) -> None:
        await forget(self._saver, [thread_id(turn) for turn in turns])

    async def tidy(self) -> None:
        """What processes left behind that died between storing a turn and forgetting it."""
        stale = await stale_threads(self._saver, now=datetime.now(UTC))
        if stale:
            await forget(self._saver, stale)
