import asyncio

from supportplane_operator import queue as subject
from supportplane_operator.cache import Key
from supportplane_operator.queue import KeyQueue

ONE, TWO, THREE = (Key("SupportAgent", "acme", name) for name in ("one", "two", "three"))


async def test_a_key_that_waits_is_not_added_twice() -> None:
    queue = KeyQueue()
    for key in (ONE, TWO, ONE):
        queue.add(key)
    assert len(queue) == 2
    assert [await queue.take(), await queue.take()] == [ONE, TWO]


async def test_what_changed_goes_before_what_is_only_looked_at_again() -> None:
    queue = KeyQueue()
    queue.look_again(ONE)
    queue.add(TWO)
    assert [await queue.take(), await queue.take()] == [TWO, ONE]


async def test_a_key_is_never_worked_on_twice_at_the_same_time() -> None:
    queue = KeyQueue()
    queue.add(ONE)
    assert await queue.take() == ONE
    queue.add(ONE)
    assert len(queue) == 0
    queue.done(ONE)
    assert await queue.take() == ONE


async def test_taking_waits_for_a_key() -> None:
    queue = KeyQueue()
    taking = asyncio.ensure_future(queue.take())
    await asyncio.sleep(0)
    assert not taking.done()
    queue.add(THREE)
    assert await taking == THREE


async def test_failures_wait_longer_and_longer_until_one_goes_well() -> None:
    queue = KeyQueue()
    delays = []
    for _ in range(9):
        queue.add(ONE)
        await queue.take()
        delays.append(queue.retry(ONE))
    assert delays == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    queue.add(ONE)
    await queue.take()
    queue.done(ONE)
    queue.add(ONE)
    await queue.take()
    assert queue.retry(ONE) == subject.FIRST_RETRY_S
    queue.close()


async def test_a_retry_waits_at_least_as_long_as_the_failure_says() -> None:
    queue = KeyQueue()
    queue.add(ONE)
    await queue.take()
    assert queue.retry(ONE, least_s=30) == 30
    queue.close()


async def test_the_sooner_of_two_timers_rings() -> None:
    queue = KeyQueue()
    queue.add_after(ONE, 60)
    queue.add_after(ONE, 0)
    queue.add_after(ONE, 60)
    assert await asyncio.wait_for(queue.take(), 5) == ONE
    queue.close()


async def test_a_forgotten_key_does_not_ring() -> None:
    queue = KeyQueue()
    queue.add_after(ONE, 0)
    queue.forget(ONE)
    queue.add_after(TWO, 0)
    assert await asyncio.wait_for(queue.take(), 5) == TWO
    assert len(queue) == 0
