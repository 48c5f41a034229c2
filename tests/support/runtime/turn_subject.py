"""A ``Turns`` implementation with everything a test needs to drive it: the conformance suite runs on this.

``over_http`` puts the HTTP implementation in front of another one.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from support.eventually import eventually_async
from support.gateway.scripted_gateway import make_settings
from support.runtime.turn_parts import FixedRetriever, MemoryEngine
from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.health import nothing_to_report
from supportplane_runtime.model.interfaces import ChatModel
from supportplane_runtime.orchestrator.checkpoints import checkpoint_saver
from supportplane_runtime.orchestrator.engine import GraphEngine
from supportplane_runtime.orchestrator.graph import Parts
from supportplane_runtime.orchestrator.http_server import Served, build_server
from supportplane_runtime.orchestrator.judge import Judge
from supportplane_runtime.orchestrator.nodes.retrieve import Knowledge
from supportplane_runtime.orchestrator.policy import Policy
from supportplane_runtime.orchestrator.turns import Bounds, LocalTurns
from supportplane_runtime.orchestrator.work import Engine
from supportplane_runtime.store.interfaces.records import Records
from supportplane_runtime.store.interfaces.turns import Accepted, Turnbook
from supportplane_runtime.store.memory.store import MemoryStore
from supportplane_runtime.store.postgres.database import Database
from supportplane_runtime.store.postgres.store import PostgresStore, open_store
from supportplane_runtime.store.postgres.turns import PostgresTurnbook
from supportplane_runtime.turns.events import Answered, Failed, TurnEvent
from supportplane_runtime.turns.http_client import HttpTurns
from supportplane_runtime.turns.interfaces import TurnRequest, Turns
from supportplane_runtime.turns.link import OrchestratorLink

TENANT = "default"
TOKEN = "token of the orchestrators"
QUICK = Bounds(heartbeat_s=0.05, sweep_s=0.05, store_patience_s=30.0, poll_s=0.01, drain_s=30.0)


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
    judge: Judge | None = None
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
        assert isinstance(last, Answered), last
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

    async with local_turns(setup, MemoryEngine(parts(setup)), store.turnbook) as turns:
        yield Subject(turns, store.turnbook, store.records, setup.retriever, abandon, setup.deadline_s)


class WatchedTurnbook(PostgresTurnbook):
    """Tells when abandoned turns were looked for at the start: a look that comes late takes what a test abandons."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.looked = asyncio.Event()

    async def claim_abandoned(self, *owner: Any, **which: Any) -> list[Accepted]:
        try:
            return await super().claim_abandoned(*owner, **which)
        finally:
            self.looked.set()


def on_postgres(url: str) -> Factory:
    """LocalTurns on a migrated database, checkpoints included."""

    @asynccontextmanager
    async def factory(setup: Setup) -> AsyncIterator[Subject]:
        store = await open_store(url, pool_size=8)
        await store.database.pool.wait()
        try:
            engine = GraphEngine(parts(setup), checkpoint_saver(store.database.pool))
            turnbook = WatchedTurnbook(store.database)
            async with local_turns(setup, engine, turnbook) as turns:
                await asyncio.wait_for(turnbook.looked.wait(), 30)
                yield Subject(turns, turnbook, store.records, setup.retriever, abandon_in(store), setup.deadline_s)
        finally:
            await store.close()

    return factory


def over_http(inner: Factory) -> Factory:
    """The HTTP client, through a real socket, to a server on another implementation."""

    @asynccontextmanager
    async def factory(setup: Setup) -> AsyncIterator[Subject]:
        async with inner(setup) as subject:
            assert isinstance(subject.turns, LocalTurns)
            async with served(subject.turns) as url, OrchestratorLink(url, TOKEN) as link:
                client = HttpTurns(link)
                try:
                    yield replace(subject, turns=client)
                finally:
                    await client.close()

    return factory


@asynccontextmanager
async def served(turns: LocalTurns) -> AsyncIterator[str]:
    """An orchestrator's server on a free port; stopped in order, as SIGTERM does it."""

    async def fine() -> None:
        return

    listener = socket.create_server(("127.0.0.1", 0))
    server = build_server(Served(turns, TOKEN, fine, nothing_to_report), make_settings())
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await eventually_async(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


def abandon_in(store: PostgresStore) -> Callable[[UUID], Any]:
    async def abandon(turn_id: UUID) -> None:
        statement = "UPDATE turns SET lease_until = now() - interval '1 s', lease_owner = 'gone' WHERE turn_id = %(id)s"
        await store.database.run(statement, {"id": turn_id})

    return abandon


def parts(setup: Setup) -> Parts:
    return Parts(setup.policy, [Knowledge(setup.retriever, 6)], setup.model, judge=setup.judge)


def local_turns(setup: Setup, engine: Engine, turnbook: Turnbook) -> LocalTurns:
    return LocalTurns(engine, turnbook, setup.policy, bounds=setup.bounds)


def failure(events: list[TurnEvent]) -> Failed:
    last = events[-1]
    assert isinstance(last, Failed), last
    return last
