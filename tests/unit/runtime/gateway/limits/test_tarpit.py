import asyncio
from collections.abc import Coroutine

import pytest

from support.gateway.scripted_gateway import TestGateway
from supportplane_runtime.errors import NotFound, RateLimited, Unauthenticated
from supportplane_runtime.gateway.limits.tarpit import (
    ALLOWANCE,
    LONGEST_WAIT_S,
    MAX_SOURCES,
    SPACING_S,
    WINDOW_S,
    Tarpit,
)

SOURCE, OTHER = "192.0.2.1", "192.0.2.2"


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tarpit(clock: Clock) -> Tarpit:
    return Tarpit(clock=clock)


def refuse(tarpit: Tarpit, times: int, source: str = SOURCE) -> None:
    for _ in range(times):
        tarpit.count(source)


async def is_held_up(waiting: Coroutine[None, None, None]) -> bool:
    """Whether the coroutine is still waiting when the event loop has run everything that is ready."""
    task = asyncio.create_task(waiting)
    for _ in range(3):
        await asyncio.sleep(0)
    held = not task.done()
    task.cancel()
    return held


def test_a_source_is_slowed_only_beyond_its_allowance(tarpit: Tarpit) -> None:
    refuse(tarpit, ALLOWANCE)
    assert tarpit.wait_s(SOURCE) == 0
    refuse(tarpit, 1)
    tarpit.wait_s(SOURCE)
    assert tarpit.wait_s(SOURCE) == pytest.approx(SPACING_S)
    assert tarpit.wait_s(OTHER) == 0


def test_refusals_of_a_source_are_answered_one_after_the_other(tarpit: Tarpit, clock: Clock) -> None:
    refuse(tarpit, ALLOWANCE + 1)
    assert [tarpit.wait_s(SOURCE) for _ in range(4)] == pytest.approx([0, SPACING_S, 2 * SPACING_S, 3 * SPACING_S])
    clock.seconds = 1.0
    assert tarpit.wait_s(SOURCE) == 0


def test_no_call_waits_longer_than_the_longest_wait(tarpit: Tarpit) -> None:
    refuse(tarpit, ALLOWANCE + 1)
    assert max(tarpit.wait_s(SOURCE) for _ in range(1000)) == pytest.approx(LONGEST_WAIT_S)


def test_a_minute_later_the_source_begins_anew(tarpit: Tarpit, clock: Clock) -> None:
    refuse(tarpit, ALLOWANCE * 2)
    clock.seconds = WINDOW_S
    assert not tarpit.is_over(SOURCE)
    assert tarpit.wait_s(SOURCE) == 0


async def test_credentials_that_are_known_to_be_good_never_wait(tarpit: Tarpit) -> None:
    tarpit.remember_good("sk_good")
    refuse(tarpit, ALLOWANCE * 2)
    tarpit.wait_s(SOURCE)
    assert not await is_held_up(tarpit.before_lookup(SOURCE, "sk_good"))
    assert await is_held_up(tarpit.before_lookup(SOURCE, "sk_guess"))
    assert not await is_held_up(tarpit.before_lookup(OTHER, "sk_guess"))


def test_who_keeps_being_refused_is_told_of_the_limit_and_of_the_reason(tarpit: Tarpit) -> None:
    fault = Unauthenticated("This API key is unknown or revoked.")
    assert tarpit.judged(fault, SOURCE) is fault
    refuse(tarpit, ALLOWANCE + 1)
    limited = tarpit.judged(fault, SOURCE)
    assert isinstance(limited, RateLimited)
    assert fault.detail in limited.detail
    assert (limited.retry_after_s, limited.scope) == (60, "RefusedCalls")


def test_an_honest_mistake_of_a_known_caller_is_told_as_it_is(tarpit: Tarpit) -> None:
    refuse(tarpit, ALLOWANCE * 2)
    fault = NotFound("There is no ticket.")
    assert tarpit.judged(fault, SOURCE) is fault


def test_a_million_sources_do_not_fill_the_memory(tarpit: Tarpit) -> None:
    for number in range(MAX_SOURCES + 100):
        tarpit.count(f"source {number}")
    assert len(tarpit._refused) == MAX_SOURCES


async def test_guesses_are_limited_and_the_owner_of_a_key_at_the_same_address_is_not(gateway: TestGateway) -> None:
    async with gateway.client() as stranger, gateway.client(**gateway.key.headers) as owner:
        statuses = [(await stranger.get("/api/v1/tickets")).status_code for _ in range(ALLOWANCE + 3)]
        refusal = await stranger.get("/api/v1/tickets")
        served = await owner.get("/api/v1/tickets")
    assert statuses[:ALLOWANCE] == [401] * ALLOWANCE
    assert statuses[-1] == 429
    assert refusal.headers["retry-after"] == "60"
    assert refusal.json()["code"] == "rate-limited"
    assert served.status_code == 200
