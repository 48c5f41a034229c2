import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from supportplane_runtime.serving.stream import ABORT_EXTENSION, Heartbeat, PumpedResponse, Write

BEAT = b"\n"
SOON = Heartbeat(BEAT, every_s=0.01)
SELDOM = Heartbeat(BEAT, every_s=3600)


class Body(PumpedResponse):
    media_type = "text/plain"

    def __init__(self, produced: Callable[[Write], Awaitable[None]], heartbeat: Heartbeat) -> None:
        super().__init__(heartbeat, {"cache-control": "no-store"})
        self._produced = produced

    async def produce(self, _: HTTPConnection, write: Write) -> None:
        await self._produced(write)


class Client:
    """Reads what is sent. reads: while it is clear, a write waits. left: set when the client leaves."""

    def __init__(self) -> None:
        self.messages: list[MutableMapping[str, Any]] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self.left = asyncio.Event()
        self.beats = asyncio.Event()
        self.is_dropped = False

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.messages.append(message)
        if message.get("body") == BEAT:
            self.beats.set()
        if message["type"] == "http.response.body":
            await self.reads.wait()

    async def receive(self) -> MutableMapping[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    @property
    def body(self) -> bytes:
        return b"".join(each.get("body", b"") for each in self.messages)

    async def get(self, body: Body) -> None:
        scope = {"type": "http", "extensions": {ABORT_EXTENSION: self._drop}}
        await body(scope, self.receive, self.send)

    def _drop(self) -> None:
        self.is_dropped = True


async def test_a_body_is_sent_piece_by_piece_and_ends() -> None:
    async def two(write: Write) -> None:
        await write(b"one ")
        await write(b"two")

    client = Client()
    await client.get(Body(two, SELDOM))
    assert client.messages[0]["status"] == 200
    assert [each["body"] for each in client.messages[1:]] == [b"one ", b"two", b""]
    assert client.messages[-1]["more_body"] is False


async def test_a_silence_is_filled_with_heartbeats_until_the_next_piece() -> None:
    client = Client()

    async def pause(write: Write) -> None:
        await client.beats.wait()
        await write(b"late")

    await client.get(Body(pause, SOON))
    assert client.body.endswith(b"late")
    assert client.body.startswith(BEAT)


async def test_a_client_that_leaves_ends_the_work_on_the_body() -> None:
    client, ended = Client(), asyncio.Event()

    async def endless(write: Write) -> None:
        await write(b"one")
        client.left.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    await client.get(Body(endless, SELDOM))
    assert ended.is_set()
    assert not {task.get_name() for task in asyncio.all_tasks()} & {"stream-pump", "stream-gone"}


async def test_a_request_that_is_cancelled_before_the_first_piece_leaves_nothing_behind() -> None:
    async def never(_: Write) -> None:
        await asyncio.Event().wait()

    getting = asyncio.create_task(Client().get(Body(never, SELDOM)))
    await asyncio.sleep(0)
    getting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await getting
    assert not {task.get_name() for task in asyncio.all_tasks()} & {"stream-pump", "stream-gone"}


async def test_a_bug_in_the_body_is_not_hidden() -> None:
    async def broken(_: Write) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Client().get(Body(broken, SELDOM))


@pytest.mark.parametrize("heartbeat", [Heartbeat(BEAT, 3600, 0.02), Heartbeat(BEAT, 0.01, 0.02)])
async def test_a_reader_without_patience_left_loses_its_connection(heartbeat: Heartbeat) -> None:
    client = Client()
    client.reads.clear()

    async def one(write: Write) -> None:
        await write(b"one")

    await client.get(Body(one, heartbeat))
    assert client.is_dropped


async def test_a_heartbeat_that_nobody_reads_costs_the_connection_too() -> None:
    client = Client()
    client.reads.clear()

    async def nothing(_: Write) -> None:
        await asyncio.Event().wait()

    await client.get(Body(nothing, Heartbeat(BEAT, 0.01, 0.02)))
    assert client.is_dropped
    assert client.body == BEAT


async def test_one_of_our_own_readers_is_waited_for_and_gets_no_heartbeat_meanwhile() -> None:
    client = Client()
    client.reads.clear()

    async def one(write: Write) -> None:
        await write(b"one")

    getting = asyncio.create_task(client.get(Body(one, SOON)))
    done, _ = await asyncio.wait({getting}, timeout=5 * SOON.every_s)
    assert not done
    client.reads.set()
    await getting
    assert (client.body, client.is_dropped) == (b"one", False)
