"""A process that works on turns until it is killed. ``turns_doomed.py DATABASE_URL STAGE TURN_ID...``.

Each turn stops at STAGE: before its graph (retrieve), after graph and checkpoint but before it is stored (answered),
or after it is stored but before anybody is told (stored). A line "at <turn id>" says that a turn is there.
"""

import asyncio
import sys
from collections.abc import Sequence
from uuid import UUID

from support.runtime.turn_parts import FixedRetriever
from support.runtime.turn_subject import Setup, asked, parts
from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import Message, Turn
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.orchestrator.checkpoints import checkpoint_saver
from supportplane_runtime.orchestrator.engine import GraphEngine
from supportplane_runtime.orchestrator.state import Emit
from supportplane_runtime.orchestrator.turns import LocalTurns
from supportplane_runtime.store.postgres.store import open_store
from supportplane_runtime.store.postgres.turns import PostgresTurnbook


async def stay(turn: Turn) -> None:
    sys.stdout.write(f"at {turn.turn_id}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


class DoomedEngine(GraphEngine):
    stage = ""

    async def run(self, turn: Turn, history: Sequence[Message], emit: Emit) -> Ending:
        if self.stage == "retrieve":
            await stay(turn)
        ending = await super().run(turn, history, emit)
        if self.stage == "answered":
            await stay(turn)
        return ending


class DoomedTurnbook(PostgresTurnbook):
    stage = ""

    async def finish(self, turn: Turn, ending: Ending, *, revision: str | None = None) -> Answer:
        stored = await super().finish(turn, ending, revision=revision)
        if self.stage == "stored":
            await stay(turn)
        return stored


async def main(url: str, stage: str, turn_ids: Sequence[str]) -> None:
    store = await open_store(url, pool_size=8)
    setup = Setup(retriever=FixedRetriever(confidence=0.1, in_scope=0.9))
    engine = DoomedEngine(parts(setup), checkpoint_saver(store.database.pool))
    turnbook = DoomedTurnbook(store.database)
    engine.stage = turnbook.stage = stage
    async with LocalTurns(engine, turnbook, setup.policy) as turns:
        for turn_id in turn_ids:
            await turns.start(asked("How do I rotate an API key?", turn_id=UUID(turn_id)))
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
