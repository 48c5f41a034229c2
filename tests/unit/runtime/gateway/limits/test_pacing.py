from datetime import timedelta

import pytest

from supportplane_runtime.errors import RateLimited
from supportplane_runtime.gateway.errors import TooManyStreams
from supportplane_runtime.gateway.limits.pacing import (
    HANDSHAKE_EVERY_S,
    HANDSHAKES,
    MAX_ADDRESSES,
    PATIENCE_S,
    HandshakePace,
    Line,
    Pace,
)
from supportplane_runtime.store.interfaces.limits import Limit

OFFICE = "198.51.100.7"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def pace(clock: Clock) -> Pace:
    """Four at once, then one in half a second."""
    return Pace(Limit(4, timedelta(seconds=2)), clock=clock)


def test_a_burst_waits_for_nothing_and_those_after_it_wait_in_line() -> None:
    line = pace(Clock())
    assert [line.wait_s(OFFICE) for _ in range(7)] == [0, 0, 0, 0, 0.5, 1.0, 1.5]


def test_a_line_that_is_too_long_refuses_and_says_when_it_is_shorter() -> None:
    clock = Clock()
    line = pace(clock)
    admitted = [line.wait_s(OFFICE) for _ in range(4 + int(PATIENCE_S / 0.5))]
    with pytest.raises(RateLimited) as caught:
        line.wait_s(OFFICE)
    assert admitted[-1] == PATIENCE_S
    assert caught.value.retry_after_s == 1
    clock.now += 1
    assert line.wait_s(OFFICE) <= PATIENCE_S


def test_one_who_floods_makes_others_of_its_address_wait_and_other_addresses_not() -> None:
    line = pace(Clock())
    for _ in range(20):
        line.wait_s(OFFICE)
    assert line.wait_s(OFFICE) == 8.5
    assert line.wait_s("203.0.113.1") == 0


def test_the_burst_is_there_again_after_a_window() -> None:
    clock = Clock()
    line = pace(clock)
    for _ in range(4):
        line.wait_s(OFFICE)
    clock.now += 2
    assert [line.wait_s(OFFICE) for _ in range(5)] == [0, 0, 0, 0, 0.5]


def test_no_more_addresses_are_remembered_than_memory_is_meant_for() -> None:
    line = Line(burst=4, interval_s=0.5, clock=Clock())
    for number in range(MAX_ADDRESSES + 10):
        line.wait_s(f"address-{number}")
    assert len(line._full_at) == MAX_ADDRESSES


async def test_an_address_that_opens_sockets_without_end_is_told_so_and_another_is_not_kept_waiting() -> None:
    handshakes = HandshakePace(clock=Clock())
    for _ in range(HANDSHAKES + round(PATIENCE_S / HANDSHAKE_EVERY_S)):
        handshakes.wait_s(OFFICE)
    with pytest.raises(TooManyStreams, match="more than 100 sockets a second"):
        await handshakes.take(OFFICE)
    for elsewhere in ("203.0.113.1", None):
        await handshakes.take(elsewhere)
