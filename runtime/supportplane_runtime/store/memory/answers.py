"""Kept answers in memory: of one process."""

import time
from collections.abc import Callable

from supportplane_runtime.store.interfaces.answers import MAX_BYTES, TTL_S, place_of


class MemoryKeptAnswers:
    """clock: seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, str, int], tuple[bytes, bytes, float]] = {}

    async def find(self, tenant: str, agent: str, name: bytes) -> bytes | None:
        known, value, until = self._kept.get((tenant, agent, place_of(name)), (b"", b"", 0.0))
        return value if known == name and self._clock() < until else None

    async def keep(self, tenant: str, agent: str, name: bytes, value: bytes) -> None:
        if len(value) <= MAX_BYTES:
            self._kept[tenant, agent, place_of(name)] = (name, value, self._clock() + TTL_S)

    async def end(self, tenant: str, agent: str, place: bytes) -> None:
        self._kept.pop((tenant, agent, place_of(place)), None)
