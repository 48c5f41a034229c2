"""How fast visitors are made for an address: beyond a first burst they wait their turn instead of being refused.

Nothing tells a new visitor of an office from one who makes new visitors without end, so refusing would hit both in
proportion to how often they try. In a line each waits for the same time, and a client that waits asks less (ADR 0023).
Each process has lines of its own. Called by sessions/endpoints.py.
"""

import asyncio
import math
from collections.abc import Callable
from time import monotonic
from typing import Final

from supportplane_crds.support_agent import LimitScope
from supportplane_runtime import metrics
from supportplane_runtime.errors import RateLimited
from supportplane_runtime.gateway.counting import seconds
from supportplane_runtime.store.interfaces import Limit

PATIENCE_S: Final = 15.0  # a person looks at a widget that is busy for about as long; a guess
MAX_ADDRESSES: Final = 20_000  # about 3 MB; those whose line is empty are forgotten first


class Pace:
    """Lines by address: ``limit.requests`` at once, and after them as many a window, evenly."""

    def __init__(self, limit: Limit, *, clock: Callable[[], float] = monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._interval_s = limit.window.total_seconds() / limit.requests
        self._full_at: dict[str, float] = {}  # when the whole burst is there again

    async def take(self, source: str | None) -> None:
        """Wait for one's turn; None waits for nothing. Raises RateLimited when the line is too long."""
        wait_s = 0.0 if source is None else self.wait_s(source)
        metrics.LIMIT_DECISIONS.labels(LimitScope.NEW_VISITOR, "delayed" if wait_s else "allowed").inc()
        await asyncio.sleep(wait_s)

    def wait_s(self, source: str) -> float:
        """How long until the turn that this takes. Raises RateLimited, and takes none, when that is too long."""
        now = self._clock()
        full_at = max(now, self._full_at.get(source, now))
        wait_s = max(0.0, full_at + self._interval_s - now - self._limit.window.total_seconds())
        if wait_s > PATIENCE_S:
            metrics.LIMIT_DECISIONS.labels(LimitScope.NEW_VISITOR, "refused").inc()
            raise self._refusal(wait_s - PATIENCE_S)
        if len(self._full_at) >= MAX_ADDRESSES:
            self._forget(now)
        self._full_at[source] = full_at + self._interval_s
        return wait_s

    def _forget(self, now: float) -> None:
        """Those who wait for nothing; if all do, the one that came first."""
        self._full_at = {source: at for source, at in self._full_at.items() if at > now}
        if len(self._full_at) >= MAX_ADDRESSES:
            del self._full_at[next(iter(self._full_at))]

    def _refusal(self, over_s: float) -> RateLimited:
        limit, wait_s = self._limit, max(1, math.ceil(over_s))
        window = seconds(math.ceil(limit.window.total_seconds()))
        detail = f"This address may make {limit.requests} new visitors in {window}. Wait {seconds(wait_s)}."
        return RateLimited(detail, retry_after_s=wait_s, scope=LimitScope.NEW_VISITOR)
