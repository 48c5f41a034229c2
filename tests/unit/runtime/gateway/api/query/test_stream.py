import asyncio
from collections.abc import MutableMapping
from contextlib import nullcontext
from typing import Any
from uuid import uuid4

import pytest

from support.eventually import eventually_async
from support.gateway.scripted_gateway import TestGateway
from supportplane_runtime.domain.identity import Caller, CallerKind
from supportplane_runtime.gateway.api.query.stream import TurnStream
from supportplane_runtime.gateway.asking import Run
from supportplane_runtime.gateway.limits.counting import Asker
from supportplane_runtime.gateway.state import Gateway
from supportplane_runtime.turns.interfaces import TurnRequest

SCOPE: dict[str, Any] = {"type": "http", "method": "POST"}


@pytest.fixture
def state(gateway: TestGateway) -> Gateway:
    found = gateway.app.state.gateway
    assert isinstance(found, Gateway)
    return found


async def begin(state: Gateway) -> Run:
    request = TurnRequest(tenant="acme", turn_id=uuid4(), user_id="u", question="wait", key_id="k")
    return await state.asking.begin(request, Asker(Caller("acme", "k", CallerKind.KEY, frozenset())))


async def gone() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}


async def stays() -> MutableMapping[str, Any]:
    await asyncio.Event().wait()
    return {}


async def test_a_client_that_is_gone_before_the_first_event_keeps_no_place(
    gateway: TestGateway, state: Gateway
) -> None:
    async def send(_message: MutableMapping[str, Any]) -> None:
        return

    run = await begin(state)
    await TurnStream(state, run, announce=True, held=nullcontext())(SCOPE, gone, send)
    assert state.admission.running == 1, "the turn itself goes on"
    gateway.turns.go.set()
    await eventually_async(lambda: state.admission.running == 0)


async def test_a_request_that_is_cancelled_keeps_no_place_and_no_task(gateway: TestGateway, state: Gateway) -> None:
    sent = asyncio.Event()

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            sent.set()

    run = await begin(state)
    serving = asyncio.create_task(TurnStream(state, run, announce=True, held=nullcontext())(SCOPE, stays, send))
    await sent.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    gateway.turns.go.set()
    await eventually_async(lambda: state.admission.running == 0 and gateway.turns.streams_open == 0)
    assert not {task.get_name() for task in asyncio.all_tasks()} & {"stream-pump", "stream-gone", "turn-watcher"}


async def test_a_bug_in_the_turn_is_not_hidden(
    gateway: TestGateway, state: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send(_message: MutableMapping[str, Any]) -> None:
        return

    run = await begin(state)

    def broken(*_args: object, **_kwargs: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(gateway.turns, "stream", broken)
    with pytest.raises(ZeroDivisionError):
        await TurnStream(state, run, announce=True, held=nullcontext())(SCOPE, stays, send)
    await eventually_async(lambda: state.admission.running == 0)
