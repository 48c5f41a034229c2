"""Visitors of a website as their browsers call a gateway: each makes itself known and asks; some do so without end.

``Website`` is a base URL with a publishable key. An ``address`` is told in X-Forwarded-For, as a proxy would.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import aiohttp

PATIENCE = aiohttp.ClientTimeout(total=60)


@dataclass
class Website:
    client: aiohttp.ClientSession
    url: str
    key: str
    origin: str
    statuses: Counter[Any] = field(default_factory=Counter)

    def headers(self, token: str | None = None, address: str | None = None) -> dict[str, str]:
        headers = {"authorization": f"Bearer {self.key}", "origin": self.origin}
        if token is not None:
            headers["x-visitor-token"] = token
        if address is not None:
            headers["x-forwarded-for"] = address
        return headers

    async def post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        async with self.client.post(self.url + path, json=body, headers=headers) as reply:
            found: dict[str, Any] = await reply.json(content_type=None)
            self.statuses[reply.status, found.get("scope")] += 1
            return reply.status, found

    async def visitor(self, address: str | None = None) -> str:
        """A new visitor's token. Raises KeyError when none is made."""
        _, found = await self.post("/api/v1/visitors", {}, self.headers(address=address))
        token: str = found["visitor_token"]
        return token

    async def ask(self, token: str, address: str | None = None, query: str = "How do I return a parcel?") -> int:
        status, _ = await self.post("/api/v1/query", {"query": query}, self.headers(token, address))
        return status

    async def first_question(self, address: str | None = None) -> tuple[int, float]:
        """The status and the seconds of a new visitor's first question, the making of the visitor included."""
        began = perf_counter()
        status, found = await self.post("/api/v1/visitors", {}, self.headers(address=address))
        if status == 201:
            status = await self.ask(found["visitor_token"], address)
        return status, perf_counter() - began


@asynccontextmanager
async def website(url: str, key: str, origin: str) -> AsyncIterator[Website]:
    connector = aiohttp.TCPConnector(limit=0, force_close=True)  # each visitor has a browser of its own
    async with aiohttp.ClientSession(connector=connector, timeout=PATIENCE) as client:
        yield Website(client, url, key, origin)


@asynccontextmanager
async def flood(
    site: Website, *, hands: int, address: str | None = None, is_known: bool
) -> AsyncIterator[Counter[Any]]:
    """Questions as fast as so many hands can send them while the block runs: of one visitor, or each of a new one."""
    seen: Counter[Any] = Counter()
    async with website(site.url, site.key, site.origin) as own:
        own.statuses = seen
        token = await own.visitor(address) if is_known else None
        began = asyncio.Event()

        async def hand() -> None:
            while True:
                if token is not None:
                    await own.ask(token, address)
                else:
                    await own.first_question(address)
                if seen.total() >= 2 * hands:
                    began.set()

        tasks = [asyncio.create_task(hand()) for _ in range(hands)]
        try:
            await began.wait()
            yield seen
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
