import asyncio

import pytest
from structlog.testing import capture_logs

from supportplane_runtime.chores import attempt, every
from supportplane_runtime.errors import StoreUnavailable


class Chore:
    """Raises its troubles one after the other, then is done each time."""

    def __init__(self, *troubles: Exception) -> None:
        self.troubles = list(troubles)
        self.done = asyncio.Event()
        self.runs = 0

    async def __call__(self) -> None:
        self.runs += 1
        if self.troubles:
            raise self.troubles.pop(0)
        self.done.set()


async def test_a_chore_goes_on_after_an_outage_and_after_a_bug() -> None:
    chore = Chore(StoreUnavailable("away"), ValueError("a bug"))
    task = asyncio.create_task(every(0, chore, name="sweep"))
    async with asyncio.timeout(30):
        await chore.done.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert chore.runs >= 3


async def test_an_outage_is_one_line_and_a_bug_has_its_frames() -> None:
    with capture_logs() as lines:
        await attempt(Chore(StoreUnavailable("away")), name="sweep")
        await attempt(Chore(ValueError("a bug")), name="sweep")
    assert lines == [
        {
            "event": "chore_failed",
            "log_level": "warning",
            "chore": "sweep",
            "code": "store-unavailable",
            "detail": "away",
        },
        {"event": "chore_broke", "log_level": "error", "chore": "sweep", "exc_info": True},
    ]
