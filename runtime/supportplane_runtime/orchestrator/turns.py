"""``Turns`` in this process: accept a turn, have it worked on in a task, keep its events for whoever listens.

Built by app/ around a graph and a Turnbook. Two transactions a turn, none open while a model runs. A turn whose process
died is taken up by ``resume`` when its lease has run out, so every accepted turn ends, and ends once.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

import structlog

from supportplane_runtime import metrics
from supportplane_runtime.chores import attempt, every
from supportplane_runtime.domain.conversation import Message, Turn, TurnStatus
from supportplane_runtime.errors import NotFound, RuntimeFault, TurnFailed, Unavailable
from supportplane_runtime.orchestrator.buffer import EventBuffer
from supportplane_runtime.orchestrator.policy import Policy
from supportplane_runtime.orchestrator.recall import recalled
from supportplane_runtime.orchestrator.work import Engine, Running, Stop, Worker
from supportplane_runtime.store.interfaces.turns import Accepted, Turnbook
from supportplane_runtime.turns.events import TurnEvent
from supportplane_runtime.turns.interfaces import TurnRequest

log = structlog.get_logger(__name__)

Key = tuple[str, UUID]  # (tenant, turn)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much, how often, how long. Leases last 30 s (store/rules/turns.py), so three heartbeats may be missed."""

    running: int = 64  # a guess: 2 cores do about 100 turns a second, so this is well under a second of work
    remembered: int = 512  # ended turns whose events are kept for a client that comes back
    attempts: int = 3  # a turn that its process did not survive three times is not tried again
    heartbeat_s: float = 10.0
    sweep_s: float = 15.0
    store_patience_s: float = 5.0  # how long a finished answer waits for a database that is away: it is told then
    poll_s: float = 0.25  # how often a turn that another process works on is looked up
    drain_s: float = 20.0  # how long running turns may take to end when this process is told to stop


class LocalTurns:
    """Use as an async context manager: inside it, leases are kept and abandoned turns are taken up."""

    def __init__(self, engine: Engine, turnbook: Turnbook, policy: Policy, *, bounds: Bounds | None = None) -> None:
        self._engine = engine
        self._turnbook = turnbook
        self._policy = policy
        self._bounds = bounds or Bounds()
        self._worker = Worker(
            engine,
            turnbook,
            timeout_s=policy.turn_timeout_s,
            store_patience_s=self._bounds.store_patience_s,
            revision=policy.revision,
        )
        self._owner = f"orchestrator-{uuid4()}"
        self._running: dict[Key, Running] = {}
        self._ended: OrderedDict[Key, EventBuffer] = OrderedDict()
        self._stored: list[Turn] = []
        self._accepting = 0
        self._closing = False
        self._upkeep: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._upkeep = [
            _begin("turns-heartbeat", every(self._bounds.heartbeat_s, self._heartbeat, name="turns-heartbeat")),
            _begin("turns-sweep", every(self._bounds.sweep_s, self._sweep, name="turns-sweep")),
            _begin("turns-tidy", attempt(self._engine.tidy, name="turns-tidy")),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def is_closing(self) -> bool:
        """No new turn is taken any more."""
        return self._closing

    async def start(self, request: TurnRequest) -> Turn:
        self._admit(request)
        self._accepting += 1
        try:
            accepted = await self._turnbook.accept(
                request,
                lease_owner=self._owner,
                history_limit=self._policy.history_limit,
                agent=self._policy.agent,
            )
        finally:
            self._accepting -= 1
        if accepted.created:
            history = accepted.history if request.history is None else request.history
            self._begin(accepted.turn, history)
        return accepted.turn

    async def stream(self, tenant: str, turn_id: UUID, *, after: int = 0) -> AsyncGenerator[TurnEvent]:
        key = (tenant, turn_id)
        while True:
            buffer = self._buffer(key)
            if buffer is not None:
                async for event in buffer.follow(after):
                    after = event.sequence
                    yield event
                if buffer.is_complete:
                    return
            turn = await self._turnbook.turn(tenant, turn_id)
            if turn.status is not TurnStatus.ACCEPTED:
                for event in recalled(turn, after=after):
                    yield event
                return
            if self._closing:
                raise Unavailable("The server restarts; connect again, the turn goes on", retry_after_s=1)
            await asyncio.sleep(self._bounds.poll_s)

    async def cancel(self, tenant: str, turn_id: UUID) -> None:
        turn = await self._turnbook.cancel(tenant, turn_id)
        running = self._running.get((tenant, turn_id))
        if running is not None and turn.status is TurnStatus.CANCELLED:
            _stop(running, Stop.CANCELLED)

    async def resume(self) -> int:
        free = self._bounds.running - len(self._running)
        if free <= 0 or self._closing:
            return 0
        claimed = await self._turnbook.claim_abandoned(
            self._owner,
            limit=free,
            history_limit=self._policy.history_limit,
            tenant=self._policy.tenant,
            agent=self._policy.agent,
        )
        for accepted in claimed:
            await self._take_up(accepted)
        return len(claimed)

    async def close(self) -> None:
        """Let running turns end, for a while; those that do not stay accepted, for another process to take up."""
        self._closing = True
        tasks = [running.task for running in self._running.values() if running.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=self._bounds.drain_s)
        for running in list(self._running.values()):
            _stop(running, Stop.SHUTDOWN)
        for upkeep in self._upkeep:
            upkeep.cancel()
        await asyncio.gather(*tasks, *self._upkeep, return_exceptions=True)
        with suppress(RuntimeFault):
            await self._forget_stored()

    def _admit(self, request: TurnRequest) -> None:
        if request.tenant != self._policy.tenant:
            raise NotFound("There is no agent for this tenant here.")
        if self._closing:
            raise Unavailable("The server is stopping; ask again in a moment", retry_after_s=2)
        known = (request.tenant, request.turn_id) in self._running
        if not known and len(self._running) + self._accepting >= self._bounds.running:
            raise Unavailable("Too many questions are being worked on; ask again in a moment", retry_after_s=1)

    def _begin(self, turn: Turn, history: Sequence[Message]) -> None:
        key = (turn.tenant, turn.turn_id)
        running = Running(turn, EventBuffer(attempt=turn.attempt))
        self._running[key] = running
        running.task = asyncio.create_task(self._worker.work(running, history), name=f"turn-{turn.turn_id}")
        running.task.add_done_callback(lambda _: self._retire(key, running))

    def _retire(self, key: Key, running: Running) -> None:
        running.buffer.abandon()  # does nothing after a terminal event
        if self._running.get(key) is running:
            del self._running[key]
        if running.buffer.is_complete:
            self._stored.append(running.turn)
            self._ended[key] = running.buffer
            while len(self._ended) > self._bounds.remembered:
                self._ended.popitem(last=False)

    def _buffer(self, key: Key) -> EventBuffer | None:
        running = self._running.get(key)
        return running.buffer if running is not None else self._ended.get(key)

    async def _take_up(self, accepted: Accepted) -> None:
        turn = accepted.turn
        metrics.TURNS_RESUMED.inc()
        log.info("turn_resumed", turn_id=str(turn.turn_id), attempt=turn.attempt)
        if turn.attempt > self._bounds.attempts or turn.tenant != self._policy.tenant:
            await self._turnbook.fail(turn, TurnFailed.code)
            metrics.TURNS.labels(outcome="failed").inc()
        else:
            self._begin(turn, accepted.history)

    async def _heartbeat(self) -> None:
        """Keep the leases of running turns; stop working on those that another process has taken up."""
        beating = dict(self._running)
        if not beating:
            return
        ours = await self._turnbook.renew(self._policy.tenant, [turn_id for _, turn_id in beating], self._owner)
        for (_, turn_id), running in beating.items():
            if turn_id not in ours:
                _stop(running, Stop.TAKEN_OVER)

    async def _sweep(self) -> None:
        """Each for itself: turns are taken up also when what is done cannot be forgotten."""
        await attempt(self._forget_stored, name="turns-forget")
        await self.resume()

    async def _forget_stored(self) -> None:
        stored, self._stored = self._stored, []
        try:
            if stored:
                await self._engine.forget(stored)
        except BaseException:  # cancelled at shutdown, or the database is away: the next one forgets them
            self._stored = stored + self._stored
            raise


def _stop(running: Running, why: Stop) -> None:
    """A turn that is being stored is left alone: the store tells it what stands."""
    if running.task is not None and not running.storing and not running.task.done():
        running.stop = why
        running.task.cancel()


def _begin(name: str, chore: Coroutine[None, None, None]) -> asyncio.Task[None]:
    return asyncio.create_task(chore, name=name)
