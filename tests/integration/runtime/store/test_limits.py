"""What the rate limiter promises, in memory and on Redis, and what the gateways do without Redis."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest

from support.eventually import eventually_async
from support.runtime.store_samples import new_tenant
from supportplane_cli.embedded.redis import Redis
from supportplane_runtime.errors import CacheUnavailable
from supportplane_runtime.metrics import LIMITS_LOCAL
from supportplane_runtime.store.interfaces.limits import Limit, RateLimiter
from supportplane_runtime.store.memory.limits import memory_rate_limiter
from supportplane_runtime.store.redis.limits import RedisRateLimiter
from supportplane_runtime.store.redis.link import PAUSE_S, SILENCE_S, RedisLink

# A day: the memory's windows begin at fixed times, and no test is to meet the edge of one.
WINDOW = timedelta(days=1)
LIMITS = {"APIKey": Limit(5, WINDOW), "Other": Limit(2, WINDOW)}
EVERYWHERE = ["memory", pytest.param("redis", marks=pytest.mark.slow)]


def patient(url: str) -> RedisLink:
    """A link that a busy machine does not take for a hanging Redis."""
    return RedisLink(url, budget_s=30)


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[RedisLink]:
    link = patient(redis_url)
    yield link
    await link.close()


@pytest.fixture(params=EVERYWHERE)
async def limiter(request: pytest.FixtureRequest) -> AsyncIterator[RateLimiter]:
    if request.param == "memory":
        yield memory_rate_limiter(LIMITS)
        return
    link = patient(request.getfixturevalue("redis_url"))
    yield RedisRateLimiter(link, LIMITS)
    await link.close()


@pytest.mark.slow
async def test_every_value_in_redis_has_a_time_to_live(link: RedisLink, tenant: str) -> None:
    await RedisRateLimiter(link, LIMITS).hit(tenant, "key", "APIKey")

    keys = [key async for key in link.client.scan_iter(match=f"*{tenant}*")]

    assert len(keys) == 1
    assert all([0 < await link.client.pttl(key) <= 2 * WINDOW.total_seconds() * 1000 for key in keys])


async def test_a_limit_is_granted_and_then_refused(limiter: RateLimiter, tenant: str) -> None:
    decisions = [await limiter.hit(tenant, "key", "APIKey") for _ in range(7)]

    assert [decision.allowed for decision in decisions] == [True] * 5 + [False] * 2
    assert [decision.remaining for decision in decisions] == [4, 3, 2, 1, 0, 0, 0]
    assert {decision.limit for decision in decisions} == {5}
    assert all(1 <= decision.reset_after_s <= WINDOW.total_seconds() for decision in decisions)


async def test_limits_are_counted_apart_by_tenant_key_and_scope(
    limiter: RateLimiter, tenant: str, other_tenant: str
) -> None:
    for _ in range(5):
        await limiter.hit(tenant, "key", "APIKey")

    assert not (await limiter.hit(tenant, "key", "APIKey")).allowed
    assert (await limiter.hit(other_tenant, "key", "APIKey")).allowed
    assert (await limiter.hit(tenant, "another", "APIKey")).allowed
    assert (await limiter.hit(tenant, "key", "Other")).allowed


async def test_concurrent_requests_do_not_slip_past_the_limit(limiter: RateLimiter, tenant: str) -> None:
    decisions = await asyncio.gather(*(limiter.hit(tenant, "key", "APIKey") for _ in range(20)))

    assert sum(decision.allowed for decision in decisions) == 5


@pytest.mark.slow
async def test_gateways_share_a_limit_through_redis(redis_url: str, tenant: str) -> None:
    links = [patient(redis_url) for _ in range(2)]
    gateways = [RedisRateLimiter(link, LIMITS) for link in links]

    allowed = [(await gateway.hit(tenant, "key", "APIKey")).allowed for _ in range(5) for gateway in gateways]

    assert sum(allowed) == 5
    for link in links:
        await link.close()


class SteppedClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def answered(link: RedisLink, clock: SteppedClock) -> None:
    """Returns once Redis has answered: a busy machine may miss the budget of a call."""
    async with asyncio.timeout(30):
        while True:
            clock.now += PAUSE_S
            with suppress(CacheUnavailable):
                await link.probe()
                return


async def answers(link: RedisLink) -> bool:
    """Whether Redis answered within the budget of a call, which a busy machine may miss."""
    with suppress(CacheUnavailable):
        await link.probe()
        return True
    return False


def count(counter: object) -> float:
    return counter._value.get()  # type: ignore[attr-defined,no-any-return]  # the client has no public read


@pytest.mark.slow
async def test_without_redis_a_local_share_holds_and_redis_is_taken_up_again(own_redis: Redis, tenant: str) -> None:
    clock = SteppedClock()
    link = RedisLink(own_redis.url(), budget_s=30, clock=clock)
    limiter = RedisRateLimiter(link, LIMITS, gateways=2)
    assert (await limiter.hit(tenant, "key", "APIKey")).limit == 5

    local = count(LIMITS_LOCAL)
    own_redis.stop()
    decisions = [await limiter.hit(tenant, "key", "APIKey") for _ in range(4)]

    assert [decision.allowed for decision in decisions] == [True, True, False, False]
    assert {decision.limit for decision in decisions} == {2}
    assert count(LIMITS_LOCAL) - local == 4
    with pytest.raises(CacheUnavailable):
        await link.probe()

    own_redis.start()
    own_redis.wait_ready()
    clock.now += PAUSE_S
    await link.probe()
    assert (await limiter.hit(tenant, "key", "APIKey")).limit == 5
    await link.close()


async def granted(gateways: list[RedisRateLimiter], tenant: str, scope: str, *, rounds: int) -> int:
    """How many requests of one key are let through when each gateway is asked in turn."""
    decisions = [await gateway.hit(tenant, "key", scope) for _ in range(rounds) for gateway in gateways]
    return sum(decision.allowed for decision in decisions)


@pytest.mark.slow
async def test_without_redis_two_gateways_together_keep_to_the_limit(own_redis: Redis, tenant: str) -> None:
    links = [patient(own_redis.url()) for _ in range(2)]
    limits = {"Even": Limit(6, WINDOW), "Odd": Limit(5, WINDOW), "One": Limit(1, WINDOW)}
    gateways = [RedisRateLimiter(link, limits, gateways=2) for link in links]
    own_redis.stop()

    assert await granted(gateways, tenant, "Even", rounds=9) == 6
    assert await granted(gateways, tenant, "Odd", rounds=9) == 4
    assert await granted(gateways, tenant, "One", rounds=9) == 2  # one each, or nobody would be let through
    for link in links:
        await link.close()


@pytest.mark.slow
async def test_two_gateways_share_what_redis_had_left_when_it_went_away(own_redis: Redis, tenant: str) -> None:
    links = [patient(own_redis.url()) for _ in range(2)]
    gateways = [RedisRateLimiter(link, {"APIKey": Limit(20, WINDOW)}, gateways=2) for link in links]
    before = await granted(gateways, tenant, "APIKey", rounds=7)
    own_redis.stop()

    assert before == 14
    assert await granted(gateways, tenant, "APIKey", rounds=9) == 6
    for link in links:
        await link.close()


@pytest.mark.slow
async def test_a_gateway_that_learns_of_others_grants_its_part_from_then_on(own_redis: Redis, tenant: str) -> None:
    link = patient(own_redis.url())
    gateway = RedisRateLimiter(link, {"APIKey": Limit(20, WINDOW)})
    own_redis.stop()

    gateway.share_among(10)

    assert await granted([gateway], tenant, "APIKey", rounds=9) == 2
    await link.close()


@pytest.mark.slow
async def test_a_redis_that_hangs_is_asked_once_and_then_left_alone(own_redis: Redis) -> None:
    clock = SteppedClock()
    link = RedisLink(own_redis.url(), budget_s=1, clock=clock)
    await answered(link, clock)
    assert own_redis.child is not None
    pid = own_redis.child.pid
    asked = 0

    async def ping() -> None:
        nonlocal asked
        asked += 1
        await link.client.ping()

    clock.now += 2 * SILENCE_S  # since the last answer
    os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(20):
            with pytest.raises(CacheUnavailable):
                await link.call(ping)
    finally:
        os.kill(pid, signal.SIGCONT)

    assert asked == 1
    await answered(link, clock)
    assert not link.is_away
    await link.close()


@pytest.mark.slow
async def test_a_process_too_busy_to_read_answers_in_time_grants_no_more_than_the_limit(
    redis_url: str, tenant: str
) -> None:
    link = RedisLink(redis_url)
    limiter = RedisRateLimiter(link, {"APIKey": Limit(20, WINDOW)})

    async def ask() -> bool:
        decision = await limiter.hit(tenant, "key", "APIKey")
        time.sleep(0.02)  # noqa: ASYNC251 - the work of a turn, which holds the loop and makes other calls late
        return decision.allowed

    is_there: bool = await eventually_async(partial(answers, link), "Redis answers")
    assert is_there
    local = count(LIMITS_LOCAL)
    allowed = await asyncio.gather(*(ask() for _ in range(100)))
    assert sum(allowed) <= 20
    assert count(LIMITS_LOCAL) == local  # Redis was there all the time
    await link.close()


@pytest.mark.slow
async def test_losing_what_redis_held_loses_no_request(link: RedisLink) -> None:
    tenant = new_tenant()
    limiter = RedisRateLimiter(link, LIMITS)
    await limiter.hit(tenant, "key", "APIKey")

    await link.client.flushall()
    await link.client.script_flush()

    decision = await limiter.hit(tenant, "key", "APIKey")
    assert (decision.allowed, decision.limit, decision.remaining) == (True, 5, 4)
