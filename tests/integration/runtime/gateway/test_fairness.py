"""Whom a flood hits: visitors with the default limits, on a real Redis and PostgreSQL, behind the real server."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.eventually import eventually_async
from support.gateway.scripted_gateway import ORIGIN
from support.gateway.visitors import Website, flood, website
from supportplane_crds.support_agent import DEFAULT_LIMITS
from supportplane_runtime.store.interfaces.limits import Limit
from supportplane_runtime.store.postgres.store import open_store
from supportplane_runtime.store.redis.limits import RedisRateLimiter
from supportplane_runtime.store.redis.link import RedisLink

from .conftest import serve

pytestmark = pytest.mark.slow

VISITORS = 200
AT_ONCE = 20  # of them; all come within a minute
OFFICE = "198.51.100.7"


async def behind_a_proxy(parts: dict[str, Any]) -> None:
    parts["trusted_proxies"] = ("127.0.0.0/8",)


@pytest.fixture
async def site(migrated_database_url: str, redis_url: str) -> AsyncIterator[Website]:
    """Each test a gateway, a tenant's key and limits of its own; the server's connections are its proxy's."""
    store = await open_store(migrated_database_url, pool_size=8)
    link = RedisLink(redis_url, budget_s=30)  # a busy machine is not a hanging Redis
    limits = {str(limit.scope): Limit(limit.requests, limit.window) for limit in DEFAULT_LIMITS}
    await link.client.flushall()
    try:
        async with (
            serve(store=store, limiter=RedisRateLimiter(link, limits), change_parts=behind_a_proxy) as served,
            website(served.url, served.gateway.widget_key.plain, ORIGIN) as made,
        ):
            yield made
    finally:
        await link.close()
        await store.close()


async def test_one_visitor_at_full_speed_keeps_no_one_from_a_first_question(site: Website) -> None:
    async with flood(site, hands=16, address=OFFICE, is_known=True) as seen:
        async with asyncio.timeout(60):
            while not seen[429, "User"]:
                assert (await site.first_question(OFFICE))[0] == 200
        assert (await site.first_question(OFFICE))[0] == 200
        assert (await site.first_question("203.0.113.1"))[0] == 200
    assert set(seen) <= {(201, None), (200, None), (429, "User")}


async def test_a_new_visitor_for_every_request_keeps_no_one_from_a_first_question(site: Website) -> None:
    known = await site.visitor(OFFICE)
    async with flood(site, hands=32, address=OFFICE, is_known=False) as seen:
        await eventually_async(lambda: seen[201, None] >= 250, deadline_s=120)  # more than are made at once
        assert await site.ask(known, OFFICE) == 200
        assert (await site.first_question(OFFICE))[0] == 200
        assert (await site.first_question("203.0.113.1"))[0] == 200


async def first_questions(site: Website, addresses: list[str]) -> Counter[int]:
    """How many of the visitors of these addresses were answered what."""
    room = asyncio.Semaphore(AT_ONCE)

    async def come(address: str) -> int:
        async with room:
            return (await site.first_question(address))[0]

    return Counter(await asyncio.gather(*(come(address) for address in addresses)))


async def test_two_hundred_visitors_behind_a_trusted_proxy_are_answered_while_one_floods(site: Website) -> None:
    async with flood(site, hands=16, address=OFFICE, is_known=True):
        found = await first_questions(site, [f"203.0.113.{number}" for number in range(VISITORS)])
    assert found == {200: VISITORS}


@pytest.mark.parametrize("is_known", [True, False], ids=["one visitor", "new visitors"])
async def test_two_hundred_visitors_of_one_address_are_answered_while_one_floods(
    site: Website, *, is_known: bool
) -> None:
    async with flood(site, hands=16, address=OFFICE, is_known=is_known):
        found = await first_questions(site, [OFFICE] * VISITORS)
    assert found == {200: VISITORS}
