"""How fast visitors are made for an address, and sockets opened: beyond a first burst they wait their turn.

Nothing tells a new visitor of an office from one who makes new visitors without end, so refusing would hit both in
proportion to how often they try. In a line each waits for the same time, and a client that waits asks less (ADR 0023).
Each process has lines of its own. Called by api/sessions/endpoints.py and http/callers.py.
"""

import asyncio
import math
from collections.abc import Callable
from time import monotonic
from typing import Final

from supportplane_crds.support_agent import LimitScope
from supportplane_runtime import metrics
from supportplane_runtime.errors import RateLimited
from supportplane_runtime.gateway.errors import TooManyStreams
from supportplane_runtime.gateway.limits.counting import seconds
from supportplane_runtime.store.interfaces.limits import Limit

PATIENCE_S: Final = 15.0  # a person looks at a widget that is busy for about as long; a guess
MAX_ADDRESSES: Final = 20_000  # about 3 MB; those whose line is empty are forgotten first
HANDSHAKES: Final = 64  # at once: an office whose sockets come back after a restart of the gateway
HANDSHAKE_EVERY_S: Final = 0.01  # after them; a handshake costs 2 ms of a core, so that an address takes a fifth of it

HANDSHAKES_AGAIN_S: Final = 5


class Line:
    """Turns by address: ``burst`` at once, and after them one each ``interval_s``. clock: seconds that never jump."""

    def __init__(self, burst: int, interval_s: float, *, clock: Callable[[], float] = monotonic) -> None:
        self._burst_s = burst * interval_s
        self._interval_s = interval_s
        self._clock = clock
        self._full_at: dict[str, float] = {}  # when the whole burst is there again

    def wait_s(self, source: str) -> float:
        """How long until the next turn. It is taken with the asking, unless it is more than PATIENCE_S away."""
        now = self._clock()
        full_at = max(now, self._full_at.get(source, now))
        wait_s = max(0.0, full_at + self._interval_s - now - self._burst_s)
        if wait_s <= PATIENCE_S:
            if len(self._full_at) >= MAX_ADDRESSES:
                self._forget(now)
            self._full_at[source] = full_at + self._interval_s
        return wait_s

    def _forget(self, now: float) -> None:
        """Those who wait for nothing; if all do, the one that came first."""
        self._full_at = {source: at for source, at in self._full_at.items() if at > now}
        if len(self._full_at) >= MAX_ADDRESSES:
            del self._full_at[next(iter(self._full_at))]


class Pace:
    """New visitors: ``limit.requests`` of an address at once, and after them as many a window, evenly."""

    def __init__(self, limit: Limit, *, clock: Callable[[], float] = monotonic) -> None:
        self._limit = limit
        self._line = Line(limit.requests, limit.window.total_seconds() / limit.requests, clock=clock)

    async def take(self, source: str | None) -> None:
        """Wait for one's turn; None waits for nothing. Raises RateLimited when the line is too long."""
        wait_s = 0.0 if source is None else self.wait_s(source)
        metrics.LIMIT_DECISIONS.labels(LimitScope.NEW_VISITOR, "delayed" if wait_s else "allowed").inc()
        await asyncio.sleep(wait_s)

    def wait_s(self, source: str) -> float:
        """How long until the turn that this takes. Raises RateLimited, and takes none, when that is too long."""
        wait_s = self._line.wait_s(source)
        if wait_s > PATIENCE_S:
            metrics.LIMIT_DECISIONS.labels(LimitScope.NEW_VISITOR, "refused").inc()
            raise self._refusal(wait_s - PATIENCE_S)
        return wait_s

    def _refusal(self, over_s: float) -> RateLimited:
        limit, wait_s = self._limit, max(1, math.ceil(over_s))
        window = seconds(math.ceil(limit.window.total_seconds()))
        detail = f"This address may make {limit.requests} new visitors in {window}. Wait {seconds(wait_s)}."
        return RateLimited(detail, retry_after_s=wait_s, scope=LimitScope.NEW_VISITOR)


class HandshakePace:
    """Sockets that an address opens, before the database or Redis is asked anything for them."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._line = Line(HANDSHAKES, HANDSHAKE_EVERY_S, clock=clock)

    async def take(self, source: str | None) -> None:
        """Wait for one's turn; None waits for nothing. Raises TooManyStreams when the line is too long."""
        await asyncio.sleep(0.0 if source is None else self.wait_s(source))

    def wait_s(self, source: str) -> float:
        """How long until the turn that this takes. Raises TooManyStreams, and takes none, when that is too long."""
        wait_s = self._line.wait_s(source)
        if wait_s > PATIENCE_S:
            metrics.CONNECTIONS_REFUSED.labels("handshakes").inc()
            allowed, again = round(1 / HANDSHAKE_EVERY_S), seconds(HANDSHAKES_AGAIN_S)
            detail = f"This address opens more than {allowed} sockets a second. Wait {again}."
            raise TooManyStreams(detail, retry_after_s=HANDSHAKES_AGAIN_S)
        return wait_s
