"""A gateway to test with: the real application on a store (in memory unless told), and turns whose course the question
decides.

``ScriptedTurns`` is a Turns with the orchestrator's outer behaviour: it accepts in the store, works in a task of its
own, keeps events for those who come back, and ends each turn once. The question's first word chooses the course.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import httpx2
import orjson
from fastapi import FastAPI
from pydantic import SecretStr

from supportplane_runtime.domain.answer import Answer, Outcome, Source
from supportplane_runtime.domain.conversation import TicketReason, Turn, TurnStatus
from supportplane_runtime.domain.ending import Ending, OpenTicket
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.errors import NotFound
from supportplane_runtime.gateway.application import create_app
from supportplane_runtime.gateway.parts import GatewayParts
from supportplane_runtime.health import Probe
from supportplane_runtime.settings import Settings
from supportplane_runtime.store.interfaces.keys import ApiKey, KeyKind
from supportplane_runtime.store.interfaces.limits import Limit, RateLimiter
from supportplane_runtime.store.interfaces.store import Store
from supportplane_runtime.store.memory.limits import memory_rate_limiter
from supportplane_runtime.store.memory.store import MemoryStore
from supportplane_runtime.turns.events import Answered, Failed, Progress, Sources, Token, TurnEvent
from supportplane_runtime.turns.interfaces import TurnRequest

ORIGIN = "https://shop.example"
SOURCE = Source(
    marker=1,
    document_id="docs/keys.md",
    chunk_id="c1",
    title="Keys",
    url="docs/keys.md",
    quote="Create a new key and revoke the old one.",
    score=0.9,
)
ALL_SCOPES = frozenset({Scope.INVOKE, Scope.READ})


@dataclass
class TurnLog:
    """What a turn has said so far. ``grew`` is replaced at each event, so waiters never miss one."""

    turn: Turn
    events: list[TurnEvent] = field(default_factory=list)
    grew: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def say(self, make: Callable[[int], TurnEvent]) -> None:
        self.events.append(make(len(self.events) + 1))
        self.grew.set()
        self.grew = asyncio.Event()

    @property
    def ended(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1], Answered | Failed)


class ScriptedTurns:
    """Courses: ``wait`` until ``go`` is set, ``fail``, ``ticket``, ``long N``: N tokens of 1 KiB; else an answer."""

    def __init__(self, store: Store) -> None:
        self.go = asyncio.Event()
        self.store = store
        self.logs: dict[tuple[str, UUID], TurnLog] = {}
        self.streams_open = 0
        self.cancelled: list[UUID] = []

    async def start(self, request: TurnRequest) -> Turn:
        accepted = await self.store.turnbook.accept(request, lease_owner="stand-in", history_limit=40)
        place = (request.tenant, request.turn_id)
        if accepted.created:
            log = self.logs[place] = TurnLog(accepted.turn)
            log.task = asyncio.create_task(self._work(log))
        return accepted.turn

    async def stream(self, tenant: str, turn_id: UUID, *, after: int = 0) -> AsyncIterator[TurnEvent]:
        log = self.logs.get((tenant, turn_id))
        if log is None:
            raise NotFound(f"There is no turn {turn_id}.")
        self.streams_open += 1
        try:
            place = after
            while True:
                grew = log.grew
                for event in log.events[place:]:
                    yield event
                    place = event.sequence
                if log.ended:
                    return
                await grew.wait()
        finally:
            self.streams_open -= 1

    async def cancel(self, tenant: str, turn_id: UUID) -> None:
        log = self.logs[tenant, turn_id]
        self.cancelled.append(turn_id)
        if not log.ended and log.task is not None:
            log.task.cancel()
            await self.store.turnbook.cancel(tenant, turn_id)
            log.say(lambda n: Failed(n, turn_id, "turn-cancelled", "The turn was cancelled.", retryable=False))

    async def resume(self) -> int:
        return 0

    async def stop(self) -> None:
        tasks = [log.task for log in self.logs.values() if log.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, log: TurnLog) -> None:
        course, _, rest = log.turn.question.partition(" ")
        log.say(lambda n: Progress(n, "retrieve", "Looking in the documents."))
        if course == "wait":
            await self.go.wait()
        if course == "fail":
            await self.store.turnbook.fail(log.turn, "model-unavailable")
            log.say(lambda n: Failed(n, log.turn.turn_id, "model-unavailable", "No model.", retryable=True))
            return
        pieces = ["x" * 1024] * int(rest) if course == "long" else ["Create a new key ", "and revoke the old one [1]."]
        for piece in pieces:
            log.say(lambda n, text=piece: Token(n, text))  # type: ignore[misc]
        await self._finish(log, "".join(pieces), wants_ticket=course == "ticket")

    async def _finish(self, log: TurnLog, text: str, *, wants_ticket: bool) -> None:
        outcome = Outcome.HANDED_OFF if wants_ticket else Outcome.ANSWERED
        effects = (OpenTicket(TicketReason.CUSTOMER_REQUEST, log.turn.question),) if wants_ticket else ()
        answer = Answer(response=text[:4000], outcome=outcome, confidence=0.9, sources=(SOURCE,))
        answer = await self.store.turnbook.finish(log.turn, Ending(answer, effects))
        log.say(lambda n: Sources(n, answer.sources))
        log.say(lambda n: Answered(n, log.turn.turn_id, log.turn.conversation_id, answer))


@dataclass(frozen=True)
class Key:
    record: ApiKey
    plain: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.plain}"}


@dataclass
class TestGateway:
    """An application with everything behind it. Two tenants have keys: ``key`` and ``other_key`` see everything."""

    __test__ = False

    app: FastAPI
    parts: GatewayParts
    settings: Settings
    store: Store
    turns: ScriptedTurns
    key: Key
    other_key: Key
    widget_key: Key

    def client(self, **headers: str) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=True)
        return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", headers=headers)

    async def make_key(
        self,
        tenant: str = "acme",
        *,
        scopes: frozenset[Scope] = ALL_SCOPES,
        kind: KeyKind = KeyKind.SECRET,
        origins: tuple[str, ...] = (),
        name: str = "made",
    ) -> Key:
        return Key(*await self.store.keys.create(tenant, name, kind=kind, scopes=scopes, origins=origins))

    async def session_cookie(self, tenant: str = "acme", user_id: str = "page-user") -> dict[str, str]:
        """Headers of the chat page after it redeemed a link."""
        link = await self.store.sessions.create_link(tenant, user_id, ttl_s=60)
        redeemed = await self.store.sessions.redeem(link)
        assert redeemed is not None
        return {"cookie": f"supportplane_session={redeemed.secret}", "origin": "http://127.0.0.1:8080"}

    async def visitor_headers(self) -> dict[str, str]:
        """Headers of a widget on its own site, as a new visitor."""
        async with self.client(origin=ORIGIN) as client:
            reply = await client.post("/api/v1/visitors", params={"key": self.widget_key.plain})
        headers = {"origin": ORIGIN, "x-visitor-token": reply.json()["visitor_token"]}
        return headers | self.widget_key.headers


def make_settings(**changes: Any) -> Settings:
    needed: dict[str, Any] = {
        "agent_file": Path("agent.yaml"),
        "data_dir": Path("data"),
        "database_url": SecretStr("postgresql://unused"),
        "redis_url": SecretStr("redis://unused"),
    }
    return Settings(**(needed | changes))


def limits(**requests: int) -> dict[str, Limit]:
    """By scope, each a day: the memory's windows begin at fixed times, and no test is to meet the edge of one."""
    return {scope: Limit(requests.get(scope, 1_000_000), timedelta(days=1)) for scope in ("APIKey", "User", "IP")}


async def fine() -> str:
    return "Well."


@asynccontextmanager
async def make_gateway(
    *,
    limiter: RateLimiter | None = None,
    probes: tuple[Probe, ...] = (Probe("database", fine),),
    change_parts: Callable[[dict[str, Any]], Awaitable[None]] | None = None,
    turn_timeout: timedelta = timedelta(seconds=60),
    store: Store | None = None,
    **settings: Any,
) -> AsyncIterator[TestGateway]:
    store = store or MemoryStore()
    turns = ScriptedTurns(store)
    chosen: dict[str, Any] = {
        "turns": turns,
        "lookup": store.turnbook,
        "records": store.records,
        "feedback": store.feedback,
        "gaps": store.gaps,
        "keys": store.keys,
        "sessions": store.sessions,
        "limiter": limiter or memory_rate_limiter(limits()),
        "audit": store.audit,
        "visitor_secret": b"v" * 32,
        "probes": probes,
        "turn_timeout": turn_timeout,
    }
    if change_parts is not None:
        await change_parts(chosen)
    parts = GatewayParts(**chosen)
    made = make_settings(**settings)
    keys = [
        Key(*await store.keys.create(tenant, "test", kind=KeyKind.SECRET, scopes=ALL_SCOPES, origins=()))
        for tenant in ("acme", "rival")
    ]
    widget = await store.keys.create(
        "acme", "widget", kind=KeyKind.PUBLISHABLE, scopes=frozenset({Scope.INVOKE}), origins=(ORIGIN,)
    )
    own, other = keys
    gateway = TestGateway(create_app(parts, made), parts, made, store, turns, own, other, Key(*widget))
    try:
        yield gateway
    finally:
        await gateway.app.state.gateway.asking.stop()
        await turns.stop()


async def last_words(socket: aiohttp.ClientWebSocketResponse) -> tuple[list[dict[str, Any]], int]:
    """The frames, and the code of the server's Close. Not ``close_code``: that tells whether the client could reply."""
    frames = []
    while (message := await socket.receive(timeout=30)).type is aiohttp.WSMsgType.TEXT:
        frames.append(orjson.loads(message.data))
    assert message.type is aiohttp.WSMsgType.CLOSE
    return frames, int(message.data)


def is_running(turn: Turn) -> bool:
    return turn.status is TurnStatus.ACCEPTED
