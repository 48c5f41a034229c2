"""A ``Turns`` implementation with everything a test needs to drive it: the conformance suite runs on this.

The HTTP implementation joins by one more factory that yields a Subject whose ``turns`` is the client.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from runtime_turn_parts import FixedRetriever, MemoryEngine
from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.model.interfaces import ChatModel
from supportplane_runtime.orchestrator.checkpoints import checkpoint_saver
from supportplane_runtime.orchestrator.engine import GraphEngine
from supportplane_runtime.orchestrator.graph import Parts
from supportplane_runtime.orchestrator.nodes.retrieve import Knowledge
from supportplane_runtime.orchestrator.policy import Policy
from supportplane_runtime.orchestrator.turns import Bounds, LocalTurns
from supportplane_runtime.orchestrator.work import Engine
from supportplane_runtime.store.interfaces import Records, Turnbook
from supportplane_runtime.store.memory import MemoryStore
from supportplane_runtime.store.postgres.store import PostgresStore, open_store
from supportplane_runtime.turns.events import Failure, Final, TurnEvent
from supportplane_runtime.turns.interfaces import TurnRequest, Turns

TENANT = "default"
QUICK = Bounds(heartbeat_s=0.05, sweep_s=0.05, store_patience_s=0.5, poll_s=0.01, drain_s=5.0)


class Gate:
    """Holds retrievals until it is opened, and counts those that arrived."""

    def __init__(self) -> None:
        self.arrived = 0
        self.released = asyncio.Event()

    async def __call__(self) -> None:
        self.arrived += 1
        await self.released.wait()


@dataclass(frozen=True)
class Setup:
    """What a test wants of the agent."""

    policy: Policy = field(default_factory=lambda: Policy(tenant=TENANT))
    retriever: FixedRetriever = field(default_factory=FixedRetriever)
    model: ChatModel | None = None
    bounds: Bounds = QUICK
    deadline_s: float = 30.0  # for a whole turn; a real model on a busy machine needs more


@dataclass
class Subject:
    turns: Turns
    turnbook: Turnbook
    records: Records
    retriever: FixedRetriever
    abandon: Callable[[UUID], Any]  # makes a turn's lease run out now
    deadline_s: float

    async def ask(self, question: str, **more: Any) -> Answer:
        """One whole turn; a failure fails the test."""
        request = asked(question, **more)
        await self.turns.start(request)
        last = (await self.events(request.turn_id))[-1]
        assert isinstance(last, Final), last
        return last.answer

    async def events(self, turn_id: UUID, *, after: int = 0, tenant: str = TENANT) -> list[TurnEvent]:
        async with asyncio.timeout(self.deadline_s):
            return [event async for event in self.turns.stream(tenant, turn_id, after=after)]

    async def tickets(self) -> list[Any]:
        return list((await self.records.tickets(TENANT, user_id=None, after=None, limit=100)).items)


def asked(question: str, **more: Any) -> TurnRequest:
    values: dict[str, Any] = {"tenant": TENANT, "turn_id": uuid4(), "user_id": "ada", "key_id": "key-1"}
    return TurnRequest(question=question, **(values | more))


Factory = Callable[[Setup], AbstractAsyncContextManager[Subject]]


@asynccontextmanager
async def in_memory(setup: Setup) -> AsyncIterator[Subject]:
    """LocalTurns without a database."""
    now = [datetime(2026, 11, 22, tzinfo=UTC)]
    store = MemoryStore(clock=lambda: now[0])

    async def abandon(_: UUID) -> None:
        now[0] += timedelta(minutes=5)

    async with local_turns(setup, MemoryEngine(parts(setup)), store) as turns:
        yield Subject(turns, store.turnbook, store.records, setup.retriever, abandon, setup.deadline_s)


def on_postgres(url: str) -> Factory:
    """LocalTurns on a migrated database, checkpoints included."""

    @asynccontextmanager
    async def factory(setup: Setup) -> AsyncIterator[Subject]:
        store = await open_store(url, pool_size=8)
        await store.database.pool.wait()
        try:
            engine = GraphEngine(parts(setup), checkpoint_saver(store.database.pool))
            async with local_turns(setup, engine, store) as turns:
                yield Subject(
                    turns, store.turnbook, store.records, setup.retriever, abandon_in(store), setup.deadline_s
                )
        finally:
            await store.close()

    return factory


def abandon_in(store: PostgresStore) -> Callable[[UUID], Any]:
    async def abandon(turn_id: UUID) -> None:
        statement = "UPDATE turns SET lease_until = now() - interval '1 s', lease_owner = 'gone' WHERE turn_id = %(id)s"
        await store.database.run(statement, {"id": turn_id})

    return abandon


def parts(setup: Setup) -> Parts:
    return Parts(setup.policy, [Knowledge(setup.retriever, 6)], setup.model)


def local_turns(setup: Setup, engine: Engine, store: Any) -> LocalTurns:
    return LocalTurns(engine, store.turnbook, setup.policy, bounds=setup.bounds)


def failure(events: list[TurnEvent]) -> Failure:
    last = events[-1]
    assert isinstance(last, Failure), last
    return last
