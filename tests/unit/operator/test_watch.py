import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from supportplane_operator import watch as subject


@pytest.mark.parametrize("ticks", range(6))
async def test_a_watch_that_is_ended_while_an_event_arrives_ends(ticks: int) -> None:
    arrived = asyncio.Event()

    async def events() -> AsyncIterator[tuple[str, Any]]:
        while True:
            await arrived.wait()
            arrived.clear()
            yield "MODIFIED", {}

    async def follow() -> None:
        async for _ in subject._alive(aiter(events())):
            pass

    task = asyncio.ensure_future(follow())
    for _ in range(3):  # it waits for an event
        await asyncio.sleep(0)
    arrived.set()
    for _ in range(ticks):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()
