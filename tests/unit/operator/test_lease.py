"""Who may write, over a stand-in for the API server that refuses a write to a version that is not the newest."""

from typing import Any

import httpx2
import pytest
from lightkube import ApiError
from lightkube.models.meta_v1 import Status

from supportplane_operator.lease import Claim, Lease


def refusal(code: int) -> ApiError:
    return ApiError(status=Status(code=code, message=f"HTTP {code}"))


class Server:
    """One Lease. is_away: nobody answers."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] | None = None
        self.version = 0
        self.is_away = False

    async def get(self, *_: Any, **__: Any) -> dict[str, Any]:
        self._answers()
        if self.stored is None:
            raise refusal(404)
        return {**self.stored}

    async def create(self, obj: Any, **_: Any) -> None:
        self._answers()
        if self.stored is not None:
            raise refusal(409)
        self._store(obj)

    async def replace(self, obj: Any, *_: Any) -> None:
        self._answers()
        if obj["metadata"]["resourceVersion"] != str(self.version):
            raise refusal(409)
        self._store(obj)

    def _store(self, obj: Any) -> None:
        self.version += 1
        self.stored = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}

    def _answers(self) -> None:
        if self.is_away:
            raise httpx2.ConnectError("refused")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def replica(server: Server, clock: Clock, name: str) -> Lease:
    client: Any = server
    return Lease(client, Claim("system", name, 15), clock)


async def test_the_first_to_come_holds_it_and_the_second_waits(server: Server, clock: Clock) -> None:
    one, two = replica(server, clock, "one"), replica(server, clock, "two")
    assert await one.attempt()
    assert not await two.attempt()
    assert (one.is_held, two.is_held) == (True, False)


async def test_a_lease_is_taken_over_when_its_holder_was_silent_for_its_whole_duration(
    server: Server, clock: Clock
) -> None:
    one, two = replica(server, clock, "one"), replica(server, clock, "two")
    await one.attempt()
    await two.attempt()
    clock.now += 14
    assert not await two.attempt()
    assert not one.is_held
    clock.now += 2
    assert await two.attempt()
    assert server.stored is not None
    assert server.stored["spec"]["leaseTransitions"] == 1


async def test_a_holder_stops_believing_before_others_do(server: Server, clock: Clock) -> None:
    one = replica(server, clock, "one")
    await one.attempt()
    server.is_away = True
    clock.now += 9
    assert not await one.attempt()
    assert one.is_held
    clock.now += 2
    assert not one.is_held


async def test_renewing_keeps_it(server: Server, clock: Clock) -> None:
    one, two = replica(server, clock, "one"), replica(server, clock, "two")
    await one.attempt()
    for _ in range(10):
        clock.now += 5
        assert await one.attempt()
        assert not await two.attempt()
    assert one.is_held


async def test_a_lease_given_back_is_free_at_once(server: Server, clock: Clock) -> None:
    one, two = replica(server, clock, "one"), replica(server, clock, "two")
    await one.attempt()
    await one.release()
    assert not one.is_held
    assert await two.attempt()
    await one.release()
    assert server.stored is not None
    assert server.stored["spec"]["holderIdentity"] == "two"


async def test_of_two_at_the_same_time_one_is_refused(server: Server, clock: Clock) -> None:
    one, two = replica(server, clock, "one"), replica(server, clock, "two")
    seen = await two._read()
    assert await one.attempt()
    assert not await two._take(seen)
