"""``Turns`` over HTTP: what a gateway of its own uses to reach the orchestrators behind their Service.

``start`` is one POST whose reply is the accepted turn and then, on the same connection, its events: so they come from
the process that works on it. ``stream`` reads on there. When that connection is gone (another listener, a process that
died or is replaced), any orchestrator is asked for the rest: it follows the turn in the store. Whatever is sent twice
is idempotent by turn id, so an unknown outcome is settled by asking again with the same id, never by a new one.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar
from uuid import UUID

import aiohttp
import structlog

from supportplane_runtime import metrics
from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.errors import RuntimeFault, Unavailable
from supportplane_runtime.turns.codec import Line, parse_line, request_body
from supportplane_runtime.turns.events import Answered, Failed, TurnEvent
from supportplane_runtime.turns.interfaces import TurnRequest
from supportplane_runtime.turns.link import Broken, NotSent, OrchestratorLink, broken_is_typed

log = structlog.get_logger(__name__)

PATH = "/internal/v1/turns"
PAUSES_S = (0.1, 0.3)  # before the second and the third attempt
PAUSE_S = 0.1  # of a listener; doubles up to a second: a Service forgets a stopped process about as fast
HELD_S = 10.0  # a started turn whose stream nobody has asked for; the events are there for later in any case
LOST_S = 15.0  # without one line from any orchestrator, a listener is told
RESUME_S = 30.0

Key = tuple[str, UUID]
ResultT = TypeVar("ResultT")


class _Lines:
    """The lines of one response. ``close`` may be called while another task reads: the reader sees Broken."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.timer: asyncio.TimerHandle | None = None

    async def next(self) -> Line | None:
        """The next line that says something, None at the end. Raises Broken."""
        async with broken_is_typed():
            while raw := await self._response.content.readline():
                if (line := parse_line(raw)) is not None:
                    return line
        return None

    def close(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self._response.close()


class HttpTurns:
    def __init__(self, link: OrchestratorLink) -> None:
        self._link = link
        self._held: dict[Key, _Lines] = {}
        self._read: dict[Key, set[_Lines]] = {}

    async def start(self, request: TurnRequest) -> Turn:
        body = request_body(request)
        lines, turn = await _again(lambda: self._begin(body))
        self._hold((turn.tenant, turn.turn_id), lines)
        return turn

    async def stream(self, tenant: str, turn_id: UUID, *, after: int = 0) -> AsyncGenerator[TurnEvent]:
        key, patience = (tenant, turn_id), _Patience()
        while True:
            try:
                async with aclosing(self._events(key, after)) as events:
                    async for event in events:
                        patience.renew()
                        if event.sequence > after:
                            after = event.sequence
                            yield event
            except Unavailable as fault:
                if not is_elsewhere(fault):
                    raise
                patience.check(fault)
            else:
                return
            metrics.TURN_CALLS_REPEATED.labels("stream").inc()
            await patience.pause()

    async def cancel(self, tenant: str, turn_id: UUID) -> None:
        path, params = f"{PATH}/{turn_id}/cancel", {"tenant": tenant}
        await _again(lambda: self._link.call("POST", path, params=params))
        # The process that works on it learns of it from the store within a heartbeat; whoever listens here asks anew.
        self._drop((tenant, turn_id))
        for lines in tuple(self._read.get((tenant, turn_id), ())):
            lines.close()

    async def resume(self) -> int:
        """Orchestrators do so by themselves; this has one of them do it now."""
        reply = await self._link.call("POST", f"{PATH}/resume", timeout=aiohttp.ClientTimeout(total=RESUME_S))
        return int(reply["resumed"])

    async def close(self) -> None:
        for key in tuple(self._held):
            self._drop(key)

    async def _events(self, key: Key, after: int) -> AsyncGenerator[TurnEvent]:
        """Of one connection, to the terminal one. Raises Broken when it ends before.

        A reply without any event, and whole, is an orchestrator's word that there is nothing after ``after``.
        """
        lines = self._take(key) or await self._follow(key, after)
        is_first = True
        try:
            while (event := await _next_event(lines)) is not None:
                is_first = False
                yield event
                if isinstance(event, Answered | Failed):
                    return
            if not (is_first and after):
                raise Broken("The orchestrator's events ended early")
        finally:
            self._let_go(key, lines)

    async def _begin(self, body: bytes) -> tuple[_Lines, Turn]:
        headers = {"content-type": "application/json"}
        lines = _Lines(await self._link.open("POST", PATH, data=body, headers=headers))
        try:
            first = await lines.next()
        except BaseException:
            lines.close()
            raise
        if isinstance(first, Turn):
            return lines, first
        lines.close()
        raise first if isinstance(first, RuntimeFault) else Broken("The orchestrator's reply ended early")

    async def _follow(self, key: Key, after: int) -> _Lines:
        params = {"tenant": key[0], "after": str(after)}
        lines = _Lines(await self._link.open("GET", f"{PATH}/{key[1]}/events", params=params))
        self._read.setdefault(key, set()).add(lines)
        return lines

    def _hold(self, key: Key, lines: _Lines) -> None:
        self._drop(key)
        lines.timer = asyncio.get_running_loop().call_later(HELD_S, self._drop, key)
        self._held[key] = lines

    def _take(self, key: Key) -> _Lines | None:
        lines = self._held.pop(key, None)
        if lines is not None:
            if lines.timer is not None:
                lines.timer.cancel()
            self._read.setdefault(key, set()).add(lines)
        return lines

    def _let_go(self, key: Key, lines: _Lines) -> None:
        lines.close()
        readers = self._read.get(key, set())
        readers.discard(lines)
        if not readers:
            self._read.pop(key, None)

    def _drop(self, key: Key) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            held.close()


class _Patience:
    """How long a listener goes without a line before it is told, and the pauses between attempts."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.renew()

    def renew(self) -> None:
        self._since = self._loop.time()
        self._pause_s = PAUSE_S

    def check(self, fault: Unavailable) -> None:
        if self._loop.time() - self._since > LOST_S:
            raise fault

    async def pause(self) -> None:
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, 1.0)


async def _next_event(lines: _Lines) -> TurnEvent | None:
    """None at the end. Raises the fault that the other side ended with, and Broken."""
    while (line := await lines.next()) is not None:
        if isinstance(line, RuntimeFault):
            raise line
        if not isinstance(line, Turn):
            return line
    return None


def is_elsewhere(fault: Unavailable) -> bool:
    """Whether another process may do better: this one is full, stopping or dead. A database is away for all."""
    return type(fault) in {Unavailable, NotSent, Broken}


async def _again(call: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """For calls that may be repeated. Raises what the last attempt raised."""
    for pause_s in PAUSES_S:
        try:
            return await call()
        except Unavailable as fault:
            if not is_elsewhere(fault):
                raise
            log.info("turn_call_repeated", reason=type(fault).__name__)
            metrics.TURN_CALLS_REPEATED.labels("call").inc()
        await asyncio.sleep(pause_s)
    return await call()
