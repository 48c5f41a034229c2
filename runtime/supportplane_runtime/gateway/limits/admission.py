"""How much this process takes on, and how it stops: the bound on running turns, and draining.

A turn occupies a place from before it is accepted until its terminal event, whether its client stays or not. On
SIGTERM (server.py) ``drain`` refuses new turns and readiness goes off, then ``close_streams`` ends what is still open
by making its timeouts due. Called by shares.py, query/ and health/.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import monotonic

from supportplane_runtime import metrics
from supportplane_runtime.gateway.errors import Draining, Overloaded

FIRST_GUESS_S = 2.0  # a turn's duration before one was seen
SMOOTHING = 0.1  # a turn moves the average by a tenth: about the last twenty count
MAX_RETRY_AFTER_S = 60


class Closing(Exception):
    """The process ends: a stream says where to resume and closes."""


class Admission:
    def __init__(self, *, max_running: int, clock: Callable[[], float] = monotonic) -> None:
        self.max_running = max_running
        self._clock = clock
        self._mean_s = FIRST_GUESS_S
        self._open: set[asyncio.Timeout] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._streams = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.running = 0
        self.draining = False
        self.closing = False

    def admit(self) -> None:
        """Raises Draining or Overloaded; otherwise the caller holds a place and must ``release`` it."""
        if self.draining:
            metrics.TURNS_REFUSED.labels("draining").inc()
            raise Draining("This server is about to stop. Ask again; another one answers.")
        if self.is_full:
            raise self.overloaded()
        self.running += 1
        self._idle.clear()

    @property
    def is_full(self) -> bool:
        return self.running >= self.max_running

    def overloaded(self) -> Overloaded:
        """The refusal, counted."""
        metrics.TURNS_REFUSED.labels("overloaded").inc()
        return Overloaded("As many questions as this server takes are running.", retry_after_s=self.retry_after_s)

    def release(self, *, took_s: float | None = None) -> None:
        """took_s: how long the turn ran, None when it never began."""
        self.running -= 1
        if took_s is not None:
            self._mean_s += SMOOTHING * (took_s - self._mean_s)
        if self.running == 0:
            self._idle.set()

    @property
    def retry_after_s(self) -> int:
        """When a place is likely to be free: places turn over in the mean duration of the turns seen here."""
        return max(1, min(MAX_RETRY_AFTER_S, math.ceil(self._mean_s)))

    def drain(self) -> None:
        self.draining = True

    async def wait_idle(self, grace_s: float) -> bool:
        """Whether every running turn ended within the grace."""
        return await _happens(self._idle, grace_s)

    async def wait_quiet(self, grace_s: float) -> bool:
        """Whether every stream said its last word within the grace."""
        return await _happens(self._quiet, grace_s)

    def close_streams(self) -> None:
        self.closing = True
        now = asyncio.get_running_loop().time()
        for timeout in tuple(self._open):
            timeout.reschedule(now)

    @contextmanager
    def stream(self, transport: str) -> Iterator[None]:
        """A stream is open while the block runs, its last word included."""
        self._streams += 1
        self._quiet.clear()
        try:
            with metrics.STREAMS_OPEN.labels(transport).track_inprogress():
                yield
        finally:
            self._streams -= 1
            if self._streams == 0:
                self._quiet.set()

    @asynccontextmanager
    async def until_closing(self, seconds: float | None = None) -> AsyncIterator[None]:
        """Run the block until it ends, at most ``seconds`` (TimeoutError), or until streams close (Closing)."""
        if self.closing:
            raise Closing
        try:
            async with asyncio.timeout(seconds) as timeout:
                with self._registered(timeout):
                    yield
        except TimeoutError:
            if self.closing:
                raise Closing from None
            raise

    @contextmanager
    def _registered(self, timeout: asyncio.Timeout) -> Iterator[None]:
        self._open.add(timeout)
        try:
            yield
        finally:
            self._open.discard(timeout)

    def seconds_since(self, moment: float) -> float:
        return self._clock() - moment

    def now(self) -> float:
        return self._clock()


async def _happens(event: asyncio.Event, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
