"""Keys that wait for a reconcile: each at most once, never twice at the same time, failures later and later.

Watches and polls ``add``, workers ``take`` and give back with ``done`` or ``retry``. A key that is added while it is
worked on waits until that is over. What changed goes before what is only looked at again. Time is the event loop's.
"""

import asyncio
from collections import deque

from supportplane_operator.cache import Key

FIRST_RETRY_S = 0.5
LAST_RETRY_S = 60.0  # a guess: an agent that cannot be written is looked at once a minute


class KeyQueue:
    """One event loop, any number of workers."""

    def __init__(self) -> None:
        self._changed: deque[Key] = deque()
        self._again: deque[Key] = deque()
        self._waiting: set[Key] = set()
        self._busy: set[Key] = set()
        self._added_while_busy: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._filled = asyncio.Event()

    def add(self, key: Key) -> None:
        """Something about it changed."""
        self._put(key, self._changed)

    def look_again(self, key: Key) -> None:
        """Nothing is known to have changed; after everything that did."""
        self._put(key, self._again)

    def add_after(self, key: Key, delay_s: float) -> None:
        """Look again after a while. The sooner of two wishes holds."""
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer is not None and timer.when() <= loop.time() + delay_s:
            return
        if timer is not None:
            timer.cancel()
        self._timers[key] = loop.call_later(delay_s, self._ring, key)

    async def take(self) -> Key:
        while not (self._changed or self._again):
            self._filled.clear()
            await self._filled.wait()
        key = (self._changed or self._again).popleft()
        self._waiting.discard(key)
        self._busy.add(key)
        return key

    def done(self, key: Key) -> None:
        """It went well."""
        self._failures.pop(key, None)
        self._give_back(key)

    def retry(self, key: Key, *, least_s: float = 0.0) -> float:
        """It did not: again after twice the time of the last failure. Returns the delay."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay_s: float = max(least_s, min(FIRST_RETRY_S * 2 ** min(failures, 16), LAST_RETRY_S))
        self._give_back(key)
        self.add_after(key, delay_s)
        return delay_s

    def forget(self, key: Key) -> None:
        """The object is gone: no timer, no memory of failures."""
        self._failures.pop(key, None)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def __len__(self) -> int:
        return len(self._waiting)

    def _put(self, key: Key, lane: deque[Key]) -> None:
        if key in self._busy:
            self._added_while_busy.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
            lane.append(key)
            self._filled.set()

    def _give_back(self, key: Key) -> None:
        self._busy.discard(key)
        if key in self._added_while_busy:
            self._added_while_busy.discard(key)
            self.add(key)

    def _ring(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.look_again(key)
