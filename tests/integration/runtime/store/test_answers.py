"""What keeping answers promises, in memory and on Redis, and what is left when Redis is away."""

import hashlib
from collections.abc import AsyncIterator

import pytest

from supportplane_cli.embedded.redis import Redis
from supportplane_runtime.errors import CacheUnavailable
from supportplane_runtime.store.interfaces.answers import MAX_BYTES, PLACE_BYTES, PLACES, TTL_S, KeptAnswers, place_of
from supportplane_runtime.store.memory.answers import MemoryKeptAnswers
from supportplane_runtime.store.redis.answers import RedisKeptAnswers
from supportplane_runtime.store.redis.link import RedisLink

AGENT = "shop"


def name(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def in_the_same_place(as_this: bytes) -> bytes:
    return as_this[:4] + name("another")[4:]


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.slow)])
async def answers(request: pytest.FixtureRequest) -> AsyncIterator[KeptAnswers]:
    if request.param == "memory":
        yield MemoryKeptAnswers()
        return
    link = RedisLink(request.getfixturevalue("redis_url"), budget_s=30)  # a busy machine is no hanging Redis
    yield RedisKeptAnswers(link)
    await link.close()


async def test_what_is_kept_is_found_under_its_name_by_its_agent_alone(
    answers: KeptAnswers, tenant: str, other_tenant: str
) -> None:
    await answers.keep(tenant, AGENT, name("a"), b"answer \0 a")

    assert await answers.find(tenant, AGENT, name("a")) == b"answer \0 a"
    assert await answers.find(tenant, AGENT, name("b")) is None
    assert await answers.find(tenant, "bank", name("a")) is None
    assert await answers.find(other_tenant, AGENT, name("a")) is None


async def test_a_later_answer_takes_the_place_of_an_earlier_one(answers: KeptAnswers, tenant: str) -> None:
    first, second = name("a"), in_the_same_place(name("a"))
    for value in (b"old", b"new"):
        await answers.keep(tenant, AGENT, first, value)
    found = await answers.find(tenant, AGENT, first)
    await answers.keep(tenant, AGENT, second, b"other")

    assert found == b"new"
    assert await answers.find(tenant, AGENT, first) is None
    assert await answers.find(tenant, AGENT, second) == b"other"


async def test_what_has_a_place_is_ended(answers: KeptAnswers, tenant: str) -> None:
    await answers.keep(tenant, AGENT, name("a"), b"answer")
    await answers.end(tenant, "bank", name("a")[:PLACE_BYTES])
    assert await answers.find(tenant, AGENT, name("a")) == b"answer"
    await answers.end(tenant, AGENT, name("a")[:PLACE_BYTES])
    assert await answers.find(tenant, AGENT, name("a")) is None
    await answers.end(tenant, AGENT, name("a")[:PLACE_BYTES])


async def test_an_answer_that_is_too_large_is_not_kept(answers: KeptAnswers, tenant: str) -> None:
    await answers.keep(tenant, AGENT, name("a"), b"x" * (MAX_BYTES + 1))
    assert await answers.find(tenant, AGENT, name("a")) is None
    await answers.keep(tenant, AGENT, name("a"), b"x" * MAX_BYTES)
    assert await answers.find(tenant, AGENT, name("a")) == b"x" * MAX_BYTES


async def test_in_memory_an_answer_is_kept_for_its_time(tenant: str) -> None:
    now = [0.0]
    answers = MemoryKeptAnswers(clock=lambda: now[0])
    await answers.keep(tenant, AGENT, name("a"), b"answer")
    now[0] = TTL_S - 1.0
    assert await answers.find(tenant, AGENT, name("a")) == b"answer"
    now[0] = TTL_S
    assert await answers.find(tenant, AGENT, name("a")) is None


@pytest.mark.slow
async def test_in_redis_there_are_so_many_places_and_each_has_a_time_to_live(redis_url: str, tenant: str) -> None:
    link = RedisLink(redis_url, budget_s=30)
    answers = RedisKeptAnswers(link)
    names = [name(str(number)) for number in range(3000)]
    for each in names:
        await answers.keep(tenant, AGENT, each, b"answer")

    keys = [key async for key in link.client.scan_iter(match=f"*{tenant}*", count=1000)]

    assert len(keys) == len({place_of(each) for each in names}) <= PLACES
    assert all([0 < await link.client.ttl(key) <= TTL_S for key in keys[:50]])
    await link.close()


@pytest.mark.slow
async def test_without_redis_it_is_told_at_once(own_redis: Redis, tenant: str) -> None:
    link = RedisLink(own_redis.url(), budget_s=30)
    answers = RedisKeptAnswers(link)
    await answers.keep(tenant, AGENT, name("a"), b"answer")
    own_redis.stop()

    with pytest.raises(CacheUnavailable):
        await answers.find(tenant, AGENT, name("a"))
    with pytest.raises(CacheUnavailable):
        await answers.keep(tenant, AGENT, name("a"), b"answer")
    await link.close()
