import asyncio

import pytest

from supportplane_runtime.gateway.errors import Draining, Overloaded
from supportplane_runtime.gateway.limits.admission import Admission, Closing


def test_places_are_given_back() -> None:
    admission = Admission(max_running=1)
    admission.admit()
    with pytest.raises(Overloaded):
        admission.admit()
    admission.release(took_s=1)
    admission.admit()


def test_the_wait_that_is_advised_follows_what_turns_really_take() -> None:
    admission = Admission(max_running=1)
    for _ in range(100):
        admission.admit()
        admission.release(took_s=30)
    admission.admit()
    with pytest.raises(Overloaded) as caught:
        admission.admit()
    assert caught.value.retry_after_s == 30


def test_the_wait_that_is_advised_stays_within_a_second_and_a_minute() -> None:
    admission = Admission(max_running=1)
    for took_s, expected in ((0.001, 1), (10_000, 60)):
        for _ in range(200):
            admission.admit()
            admission.release(took_s=took_s)
        assert admission.retry_after_s == expected


def test_a_draining_process_takes_nothing_new() -> None:
    admission = Admission(max_running=1)
    admission.drain()
    with pytest.raises(Draining):
        admission.admit()


async def test_draining_waits_for_what_runs_and_not_longer_than_the_grace() -> None:
    admission = Admission(max_running=2)
    assert await admission.wait_idle(0)
    admission.admit()
    assert not await admission.wait_idle(0.01)
    waiting = asyncio.create_task(admission.wait_idle(5))
    await asyncio.sleep(0)
    admission.release()
    assert await waiting


async def test_closing_ends_what_is_open_and_what_comes_later() -> None:
    admission = Admission(max_running=1)

    async def stream() -> None:
        async with admission.until_closing():
            await asyncio.Event().wait()

    open_stream = asyncio.create_task(stream())
    await asyncio.sleep(0)
    admission.close_streams()
    with pytest.raises(Closing):
        await open_stream
    with pytest.raises(Closing):
        await stream()


async def test_a_time_limit_is_not_taken_for_closing() -> None:
    with pytest.raises(TimeoutError):
        async with Admission(max_running=1).until_closing(0):
            await asyncio.Event().wait()
