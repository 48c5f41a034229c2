import asyncio

from supportplane_runtime.errors import StoreUnavailable
from supportplane_runtime.health import HealthChecks, Probe


def never() -> bool:
    return False


async def test_parts_are_asked_once_a_second_however_many_want_to_know() -> None:
    asked, now = 0, 0.0

    async def count() -> str:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return "Well."

    health = HealthChecks((Probe("database", count),), is_draining=never, clock=lambda: now)
    await asyncio.gather(*(health.health() for _ in range(50)))
    assert asked == 1
    now = 1.0
    await health.health()
    assert asked == 2


class Switch:
    """A part that a test turns on and off."""

    def __init__(self) -> None:
        self.on = False

    async def check(self) -> str:
        if not self.on:
            raise StoreUnavailable("Nothing was read yet.")
        return "Well."


async def test_readiness_waits_for_what_is_awaited_and_then_does_without_it() -> None:
    now, database, index = 0.0, Switch(), Switch()
    database.on = True
    health = HealthChecks(
        (Probe("database", database.check),),
        is_draining=never,
        awaited=(Probe("index", index.check),),
        clock=lambda: now,
    )
    first = await health.health()
    assert (first.ready, first.status, first.reasons) == (False, "starting", ["index: Nothing was read yet."])
    index.on, now = True, 1.0
    assert ((await health.health()).ready, (await health.health()).status) == (True, "ok")
    index.on, now = False, 2.0
    assert (await health.health()).ready
    database.on, now = False, 3.0
    assert ((await health.health()).ready, (await health.health()).status) == (False, "down")
    database.on, now = True, 4.0
    assert (await health.health()).ready


async def test_each_that_is_awaited_may_come_at_its_own_time() -> None:
    now, index, key = 0.0, Switch(), Switch()
    awaited = (Probe("index", index.check), Probe("api-key", key.check))
    health = HealthChecks((), is_draining=never, awaited=awaited, clock=lambda: now)
    key.on = True
    assert (await health.health()).reasons == ["index: Nothing was read yet."]
    key.on, index.on, now = False, True, 1.0
    assert (await health.health()).ready


async def test_a_process_that_is_about_to_stop_is_not_ready_however_well_its_parts_are() -> None:
    stopping = False

    async def fine() -> str:
        return "Well."

    checks = HealthChecks((Probe("database", fine),), is_draining=lambda: stopping)
    assert (await checks.health()).ready
    stopping = True
    found = await checks.health()
    assert (found.ready, found.status, found.reasons) == (False, "draining", ["The process is about to stop."])
