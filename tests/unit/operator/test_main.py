import asyncio

from supportplane_operator.main import exit_code, part_ended


async def crash() -> None:
    raise LookupError("nobody thought of this")


async def end() -> None:
    pass


async def last() -> None:
    await asyncio.Event().wait()


async def ended(*parts: asyncio.Future[None], cancel: bool = False) -> list[asyncio.Future[None]]:
    for each in parts:
        if cancel:
            each.cancel()
    await asyncio.gather(*parts, return_exceptions=True)
    return list(parts)


async def test_an_operator_of_which_a_part_ended_by_itself_ends_to_be_started_anew() -> None:
    for part in (crash, end):
        stop = asyncio.Event()
        tasks = await ended(asyncio.ensure_future(part()))
        part_ended(stop, tasks[0])
        assert stop.is_set()
        leading = await ended(asyncio.ensure_future(last()), cancel=True)
        assert exit_code(leading[0], tasks) == 1


async def test_an_operator_that_was_asked_to_stop_ended_well() -> None:
    stop = asyncio.Event()
    parts = await ended(asyncio.ensure_future(last()), asyncio.ensure_future(last()), cancel=True)
    part_ended(stop, parts[1])
    assert not stop.is_set()
    assert exit_code(parts[0], parts[1:]) == 0
