"""Works on one turn: runs the graph, stores how it ended, tells the turn's listeners. A task of turns.py.

Every way out of here leaves a terminal event in the turn's buffer, or an abandoned buffer when the turn goes on in
another process. The Turnbook decides what stands: if somebody else ended the turn first, that is what is told.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

import stamina
import structlog

from supportplane_runtime import metrics
from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import Message, Turn, TurnStatus
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.errors import RuntimeFault, StoreUnavailable, TurnCancelled, TurnFailed, TurnTimedOut
from supportplane_runtime.orchestrator.buffer import EventBuffer
from supportplane_runtime.orchestrator.recall import answer_events, ended, fault_event
from supportplane_runtime.orchestrator.state import Emit
from supportplane_runtime.store.interfaces.turns import Turnbook
from supportplane_runtime.turns.events import Token

log = structlog.get_logger(__name__)


class Engine(Protocol):
    """The graph, run once. Implementation: engine.py."""

    async def run(self, turn: Turn, history: Sequence[Message], emit: Emit) -> Ending: ...

    async def forget(self, turns: Sequence[Turn]) -> None:
        """These are stored: what was kept to resume them may go."""
        ...

    async def tidy(self) -> None:
        """Drop what was kept of turns that ended long ago. Once at start."""
        ...


class Stop(Enum):
    """Why a task was cancelled."""

    CANCELLED = auto()  # the user wants no answer any more; the store knows already
    TAKEN_OVER = auto()  # the lease ran out and another process works on it
    SHUTDOWN = auto()  # this process ends; the turn stays accepted and another one takes it up


@dataclass(slots=True)
class Running:
    turn: Turn
    buffer: EventBuffer
    task: asyncio.Task[None] | None = None
    stop: Stop | None = None
    storing: bool = False


class Worker:
    """revision: of the agent, stored with each answer."""

    def __init__(
        self,
        engine: Engine,
        turnbook: Turnbook,
        *,
        timeout_s: float,
        store_patience_s: float,
        revision: str | None = None,
    ) -> None:
        self._engine = engine
        self._turnbook = turnbook
        self._revision = revision
        self._timeout_s = timeout_s
        self._store_patience_s = store_patience_s

    async def work(self, running: Running, history: Sequence[Message]) -> None:
        turn = running.turn
        began = time.perf_counter()
        ids = {"conversation_id": str(turn.conversation_id), "turn_id": str(turn.turn_id), "tenant": turn.tenant}
        with structlog.contextvars.bound_contextvars(**ids), metrics.TURNS_RUNNING.track_inprogress():
            try:
                outcome = await self._end(running, history)
            except asyncio.CancelledError:
                outcome = _stopped(running)
                if running.stop is None:
                    raise
            seconds = time.perf_counter() - began
            metrics.TURNS.labels(outcome=outcome).inc()
            metrics.TURN_SECONDS.observe(seconds)
            log.info("turn_ended", outcome=outcome, attempt=turn.attempt, seconds=round(seconds, 3))

    async def _end(self, running: Running, history: Sequence[Message]) -> str:
        """How it ended, as the metric's label."""
        try:
            async with asyncio.timeout(self._timeout_s):
                ending = await self._engine.run(running.turn, history, running.buffer.append)
            running.storing = True
            answer = await self._store(running.turn, ending)
        except TimeoutError:
            return await self._fail(running, TurnTimedOut("The turn took longer than the agent allows. Ask again."))
        except RuntimeFault as fault:
            return await self._fail(running, fault)
        except Exception:  # the one top loop of a turn: whatever it is, the customer is told and the process goes on
            log.exception("turn_broke")
            return await self._fail(running, TurnFailed("The turn failed. Ask again, or ask for a person."))
        return _announce(running, answer)

    async def _store(self, turn: Turn, ending: Ending) -> Answer:
        """An answer that was made is worth waiting for a database that comes back."""
        patience = stamina.retry_context(
            on=StoreUnavailable, attempts=None, timeout=self._store_patience_s, wait_max=1.0
        )
        async for attempt in patience:
            with attempt:
                return await self._turnbook.finish(turn, ending, revision=self._revision)
        raise AssertionError("the retry loop either returns or raises")

    async def _fail(self, running: Running, fault: RuntimeFault) -> str:
        log.warning("turn_failed", code=fault.code, detail=fault.detail)
        if running.storing and isinstance(fault, StoreUnavailable):
            # The turn stays accepted; when its lease runs out it is taken up again, so the answer still comes.
            running.buffer.append(fault_event(running.turn, fault))
            return "failed"
        try:
            stands = await self._turnbook.fail(running.turn, fault.code)
        except RuntimeFault:
            running.buffer.append(fault_event(running.turn, fault))
            return "failed"
        return _report(running, stands, fault)


def _report(running: Running, stands: Turn, fault: RuntimeFault) -> str:
    """Tell what the store says after a failure: ours, or how somebody else ended the turn."""
    if stands.status is TurnStatus.ACCEPTED:  # a later attempt is at it
        running.buffer.abandon()
        return "taken_over"
    if stands.status is TurnStatus.FAILED:
        running.buffer.append(fault_event(running.turn, fault))
        return "failed"
    for build in ended(stands):
        running.buffer.append(build)
    return str(stands.answer.outcome if stands.answer else stands.status)


def _announce(running: Running, answer: Answer) -> str:
    """Stored, so it may be said. What verification sent already is not said again."""
    if not running.buffer.has_tokens:
        running.buffer.append(lambda sequence: Token(sequence, answer.response))
    for build in answer_events(running.turn, answer):
        running.buffer.append(build)
    return str(answer.outcome)


def _stopped(running: Running) -> str:
    if running.stop is Stop.CANCELLED:
        running.buffer.append(fault_event(running.turn, TurnCancelled("The turn was cancelled.")))
        return "cancelled"
    running.buffer.abandon()
    return "taken_over"
