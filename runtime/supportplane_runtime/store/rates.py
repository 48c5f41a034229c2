"""Counting requests against a limit, over any storage of the ``limits`` library: Redis, or this process's memory.

A sliding window counter: two counters a subject and window, weighted by the time that has passed, so a burst at the
edge of two windows gets one limit and not two (a fixed window would give two; a moving window keeps a timestamp per
request).
"""

import math
import time
from collections.abc import Mapping

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from supportplane_runtime.store.interfaces.limits import Limit, LimitDecision


class WindowCounter:
    """Hits per (tenant, subject, scope), each scope with its own limit."""

    def __init__(self, storage: Storage, limits: Mapping[str, Limit]) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._items = {scope: _item(limit) for scope, limit in limits.items()}

    async def hit(self, tenant: str, subject: str, scope: str) -> LimitDecision:
        item = self._items[scope]
        allowed = await self._limiter.hit(item, scope, tenant, subject)
        window = await self._limiter.get_window_stats(item, scope, tenant, subject)
        return LimitDecision(
            allowed=allowed,
            limit=item.amount,
            remaining=window.remaining if allowed else 0,
            reset_after_s=max(1, math.ceil(window.reset_time - time.time())),
            window_s=item.get_expiry(),
        )


def local_counter(limits: Mapping[str, Limit], *, gateways: int = 1) -> WindowCounter:
    """A counter in this process's memory, for tests and for the time Redis is away.

    gateways: how many share the limits. Each grants its part, rounded down, so all together stay within a limit. No
    part is less than one request, or a small limit would shut customers out for as long as Redis is away.
    """
    shares = {
        scope: Limit(requests=max(1, limit.requests // gateways), window=limit.window)
        for scope, limit in limits.items()
    }
    return WindowCounter(MemoryStorage(), shares)


def _item(limit: Limit) -> RateLimitItem:
    return RateLimitItemPerSecond(limit.requests, math.ceil(limit.window.total_seconds()))
