"""A bounded load on one loopback address, and the processor time that processes spend under it."""

import asyncio
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import aiohttp
import psutil


@dataclass(frozen=True, slots=True)
class Round:
    """One measured round. Times in seconds; ``failed`` counts every reply that is not 2xx."""

    requests: int
    failed: int
    wall_s: float
    latencies_s: tuple[float, ...]

    @property
    def rate(self) -> float:
        return (self.requests - self.failed) / self.wall_s

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies_s)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cpu_seconds(pids: Iterable[int]) -> float:
    """User plus system time of these processes and all their children, as the kernel counts them."""
    total = 0.0
    for pid in pids:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
    return total


async def run_round(url: str, bodies: list[dict[str, Any]], headers: dict[str, str], *, connections: int) -> Round:
    """Send every body once over this many connections, as fast as replies come."""
    queue = iter(bodies)
    latencies: list[float] = []
    statuses: list[int] = []

    async def worker(session: aiohttp.ClientSession) -> None:
        for body in queue:
            started = time.perf_counter()
            async with session.post(url, json=body) as reply:
                await reply.read()
                statuses.append(reply.status)
            latencies.append(time.perf_counter() - started)

    connector = aiohttp.TCPConnector(limit=connections)
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as session:
        started = time.perf_counter()
        await asyncio.gather(*(worker(session) for _ in range(connections)))
        wall_s = time.perf_counter() - started
    failed = sum(not 200 <= status < 300 for status in statuses)
    return Round(requests=len(bodies), failed=failed, wall_s=wall_s, latencies_s=tuple(latencies))


def median(values: Iterable[float]) -> float:
    return statistics.median(list(values))
