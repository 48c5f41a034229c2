"""Upkeep of turns while the database is away: each chore for itself, and one line for each."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog

from support.eventually import eventually_async
from supportplane_runtime.domain.answer import Answer, Outcome
from supportplane_runtime.domain.conversation import Message, Turn
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.errors import StoreUnavailable
from supportplane_runtime.orchestrator.policy import Policy
from supportplane_runtime.orchestrator.state import Emit
from supportplane_runtime.orchestrator.turns import Bounds, LocalTurns
from supportplane_runtime.store.memory.store import MemoryStore
from supportplane_runtime.turns.interfaces import TurnRequest


class ForgetsNothing:
    """An engine that answers, and whose checkpoints cannot be reached."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.asked = 0

    async def run(self, turn: Turn, history: Sequence[Message], emit: Emit) -> Ending:  # noqa: ARG002 - Engine's
        self.ran.append(turn.question)
        return Ending(Answer(response="Yes.", outcome=Outcome.ANSWERED, confidence=0.9, sources=()))

    async def forget(self, turns: Sequence[Turn]) -> None:  # noqa: ARG002 - Engine's
        self.asked += 1
        raise StoreUnavailable("The database does not answer.")

    async def tidy(self) -> None:
        raise StoreUnavailable("The database does not answer.")


def question(text: str) -> TurnRequest:
    return TurnRequest(tenant="acme", turn_id=uuid4(), user_id="u", question=text, key_id="k")


async def test_turns_are_taken_up_although_what_is_done_cannot_be_forgotten() -> None:
    now = [datetime.now(UTC)]
    store, engine = MemoryStore(clock=lambda: now[0]), ForgetsNothing()
    with structlog.testing.capture_logs() as logs:
        async with LocalTurns(engine, store.turnbook, Policy("acme"), bounds=Bounds(sweep_s=0.01)) as turns:
            await turns.start(question("Stored?"))
            await eventually_async(lambda: engine.asked > 0)
            await store.turnbook.accept(question("Abandoned?"), lease_owner="dead", history_limit=0)
            now[0] += timedelta(minutes=1)
            await eventually_async(lambda: "Abandoned?" in engine.ran)
    told = [line for line in logs if line["event"].startswith("chore_")]
    assert {(line["event"], line["code"]) for line in told} == {("chore_failed", "store-unavailable")}
    assert {line["chore"] for line in told} == {"turns-forget", "turns-tidy"}
    assert not any("exc_info" in line for line in told)
