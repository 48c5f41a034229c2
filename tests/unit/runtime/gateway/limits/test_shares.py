import asyncio

import pytest

from supportplane_runtime.domain.identity import Caller, CallerKind
from supportplane_runtime.errors import RateLimited
from supportplane_runtime.gateway.errors import Draining, Overloaded
from supportplane_runtime.gateway.limits.admission import Admission
from supportplane_runtime.gateway.limits.counting import Asker
from supportplane_runtime.gateway.limits.shares import Shares

SERVER = Asker(Caller("acme", "k1", CallerKind.KEY, frozenset()))
HERE, THERE = "198.51.100.7", "203.0.113.1"
IMPATIENT_S = 0.01


def visitor(name: str, address: str = HERE) -> Asker:
    return Asker(Caller("acme", "p1", CallerKind.WIDGET, frozenset(), name), address)


async def waiting(shares: Shares, *askers: Asker) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(shares.take(asker)) for asker in askers]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_a_visitor_holds_an_eighth_of_the_places_and_another_is_let_in_at_once() -> None:
    shares = Shares(Admission(max_running=16), patience_s=IMPATIENT_S)
    for _ in range(2):
        await shares.take(visitor("busy"))
    with pytest.raises(RateLimited) as caught:
        await shares.take(visitor("busy"))
    await shares.take(visitor("first question"))
    assert caught.value.scope == "User"
    assert caught.value.detail.startswith("This user has 2 questions that are being answered")


async def test_the_visitors_of_an_address_hold_half_of_the_places() -> None:
    shares = Shares(Admission(max_running=4), patience_s=IMPATIENT_S)
    for name in ("a", "b"):
        await shares.take(visitor(name))
    with pytest.raises(RateLimited) as caught:
        await shares.take(visitor("c"))
    await shares.take(visitor("d", THERE))
    assert caught.value.scope == "IP"


async def test_visitors_wait_for_a_place_in_order_and_who_waits_for_its_own_share_stops_nobody() -> None:
    shares = Shares(Admission(max_running=2), patience_s=30)
    await shares.take(visitor("a"))
    await shares.take(visitor("b", THERE))
    own, first, second = await waiting(shares, visitor("a"), visitor("c", THERE), visitor("d", THERE))
    shares.give_back(visitor("b", THERE))
    await first
    assert not own.done()
    assert not second.done()
    shares.give_back(visitor("a"))
    await own
    shares.give_back(visitor("c", THERE))
    await second


async def test_a_server_is_refused_at_once_when_there_is_no_place() -> None:
    shares = Shares(Admission(max_running=1), patience_s=30)
    await shares.take(SERVER)
    with pytest.raises(Overloaded):
        await shares.take(SERVER)


async def test_a_visitor_who_leaves_while_waiting_takes_no_place() -> None:
    admission = Admission(max_running=1)
    shares = Shares(admission, patience_s=30)
    await shares.take(SERVER)
    (task,) = await waiting(shares, visitor("gone"))
    shares.give_back(SERVER)
    task.cancel()  # in the moment in which the place is handed over
    with pytest.raises(asyncio.CancelledError):
        await task
    assert admission.running == 0
    await shares.take(SERVER)


async def test_a_visitor_who_waits_is_told_that_the_process_stops() -> None:
    admission = Admission(max_running=1)
    shares = Shares(admission, patience_s=30)
    await shares.take(SERVER)
    (task,) = await waiting(shares, visitor("late"))
    admission.drain()
    shares.give_back(SERVER)
    with pytest.raises(Draining):
        await task
