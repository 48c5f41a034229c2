"""The one way to Redis: a budget on every call, and after a failure a pause in which nobody asks.

So a Redis that hangs costs one request its budget and not every request. The first call after the pause tries again. A
call that is late while others are answered tells of a busy process, not of a Redis that is away.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from supportplane_runtime.errors import CacheUnavailable

# A slow Redis may add 100 ms to a request at most. Calls take under 1 ms.
BUDGET_S = 0.08
PAUSE_S = 1.0  # a guess: back within a second of Redis being back, one slow request a second while it hangs
SILENCE_S = 0.25  # without any answer: in a burst the process itself is late with reading answers that are there
CONNECTIONS = 16  # a call takes 0.5 ms, so these carry thousands a second; a burst waits instead of connecting
ResultT = TypeVar("ResultT")


class RedisLink:
    """Calls to one Redis. clock: seconds that never jump."""

    def __init__(self, url: str, *, budget_s: float = BUDGET_S, clock: Callable[[], float] = time.monotonic) -> None:
        # One retry at once: the server closed an idle connection, or restarted. The budget holds for both tries.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=2 * budget_s,  # for a free connection; the budget of the call ends first
            retry=Retry(NoBackoff(), 1),
        )
        self.client: Redis = Redis.from_pool(pool)
        self._budget_s = budget_s
        self._clock = clock
        self._away_until = 0.0
        self._answered_at = -SILENCE_S

    @property
    def is_away(self) -> bool:
        """Whether Redis failed, or answered nobody, when it was asked last."""
        return self._away_until > 0

    async def call(self, operation: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Raises CacheUnavailable when Redis fails, is too slow, or did so within the last second."""
        now = self._clock()
        if now < self._away_until:
            raise _away()
        if self._away_until:
            self._away_until = now + PAUSE_S  # this call alone tries
        try:
            async with asyncio.timeout(self._budget_s):
                result = await operation()
        except TimeoutError as exc:
            ended = self._clock()
            is_late = ended - now > 2 * self._budget_s  # the process is: it had the timeout itself wait for its turn
            if self.is_away or (not is_late and ended - self._answered_at > SILENCE_S):
                self._away_until = ended + PAUSE_S
            raise _away() from exc
        except (RedisError, OSError) as exc:
            self._away_until = self._clock() + PAUSE_S
            raise _away() from exc
        self._away_until, self._answered_at = 0.0, self._clock()
        return result

    async def probe(self) -> None:
        """Raises CacheUnavailable."""
        await self.call(self._ping)

    async def close(self) -> None:
        await self.client.aclose()

    async def _ping(self) -> None:
        await self.client.ping()


def _away() -> CacheUnavailable:
    return CacheUnavailable("Redis does not answer at the moment.")
