import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import aiohttp
import orjson
import pytest
from prometheus_client import REGISTRY

from support.eventually import eventually_async
from supportplane_runtime.gateway.api.query import standing

Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[Any]]
ASK = {"query": "How do I rotate an API key?", "user_id": "u1"}
WAIT = ASK | {"query": "wait for it"}


async def blocks(reply: aiohttp.ClientResponse) -> AsyncIterator[dict[str, str]]:
    """The fields of each block of an event stream, comments under the empty name."""
    fields: dict[str, str] = {}
    async for line in reply.content:
        text = line.decode().rstrip("\n")
        if not text:
            yield fields
            fields = {}
        else:
            name, _, value = text.partition(": ")
            fields[name] = value


async def read_until(reply: aiohttp.ClientResponse, event: str) -> list[dict[str, str]]:
    seen = []
    async with asyncio.timeout(10):
        async for block in blocks(reply):
            seen.append(block)
            if block.get("event") == event:
                break
    return seen


def open_streams(transport: str) -> float:
    return REGISTRY.get_sample_value("supportplane_streams_open", {"transport": transport}) or 0


async def test_events_arrive_while_the_turn_runs(served: Any) -> None:
    async with served.client.post(f"{served.url}/api/v1/query/stream", json=WAIT) as reply:
        assert reply.headers["transfer-encoding"] == "chunked"
        assert reply.headers["x-accel-buffering"] == "no"
        first = await read_until(reply, "progress")
        assert orjson.loads(first[0]["data"])["step"] == "accepted"
        await eventually_async(lambda: open_streams("sse") == 1)
        served.gateway.turns.go.set()
        rest = await read_until(reply, "final")
        assert orjson.loads(rest[-1]["data"])["outcome"] == "answered"
    await eventually_async(lambda: open_streams("sse") == 0)


async def test_after_a_break_the_stream_goes_on_where_it_was(served: Any) -> None:
    turn_id = str(uuid4())
    reply = await served.client.post(f"{served.url}/api/v1/query/stream", json=WAIT | {"turn_id": turn_id})
    seen = await read_until(reply, "progress")
    reply.close()
    await eventually_async(lambda: open_streams("sse") == 0)
    url = f"{served.url}/api/v1/turns/{turn_id}/stream"
    async with served.client.get(url, headers={"last-event-id": seen[-1]["id"]}) as again:
        served.gateway.turns.go.set()
        rest = await read_until(again, "final")
    assert [block["id"].rpartition(":")[2] for block in rest] == [str(n) for n in range(1, 6)]


async def ask_and_leave(served: Any, turn_id: UUID) -> None:
    """Asks without a stream, and is gone once the turn runs."""
    asking = asyncio.create_task(
        served.client.post(f"{served.url}/api/v1/query", json=WAIT | {"turn_id": str(turn_id)})
    )
    await eventually_async(lambda: ("acme", turn_id) in served.gateway.turns.logs)
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking


async def test_a_client_that_leaves_does_not_end_its_turn_and_its_place_is_given_back(served: Any) -> None:
    turn_ids = [uuid4() for _ in range(6)]
    for turn_id in turn_ids[:3]:
        reply = await served.client.post(f"{served.url}/api/v1/query/stream", json=WAIT | {"turn_id": str(turn_id)})
        await read_until(reply, "progress")
        reply.close()
    await asyncio.gather(*(ask_and_leave(served, turn_id) for turn_id in turn_ids[3:]))
    assert served.running == 6
    served.gateway.turns.go.set()
    await eventually_async(lambda: served.running == 0)
    await eventually_async(lambda: served.gateway.turns.streams_open == 0)
    for turn_id in turn_ids:
        assert (await served.gateway.store.turnbook.turn("acme", turn_id)).status == "finished"


async def test_a_silent_stream_is_kept_alive_by_comments(serve_with: Serve) -> None:
    async with (
        serve_with(stream_heartbeat_s=0.05) as served,
        served.client.post(f"{served.url}/api/v1/query/stream", json=WAIT) as reply,
    ):
        beats = 0
        async with asyncio.timeout(10):
            async for block in blocks(reply):
                beats += block.get("") == "still here"
                if beats == 3:
                    break
        served.gateway.turns.go.set()
        assert (await read_until(reply, "final"))[-1]["event"] == "final"


async def test_a_reader_that_stops_is_dropped_and_its_turn_still_ends(serve_with: Serve) -> None:
    async with serve_with(stream_write_timeout_s=0.3) as served:
        reader, writer = await served.connect()
        transport = writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        body = orjson.dumps(ASK | {"query": "long 20000"})
        writer.write(
            b"POST /api/v1/query/stream HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            + f"authorization: Bearer {served.gateway.key.plain}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            + body
        )
        await eventually_async(lambda: open_streams("sse") == 1)
        await eventually_async(lambda: open_streams("sse") == 0 and served.running == 0, deadline_s=20)
        await eventually_async(lambda: not served.server.server_state.connections)
        other = await served.client.post(f"{served.url}/api/v1/query", json=ASK)
        assert other.status == 200
        assert reader is not None
        writer.transport.abort()


async def test_many_streams_at_once_each_get_their_own_turn(served: Any) -> None:
    async def one(number: int) -> tuple[str, str]:
        body = {"query": f"question {number}", "user_id": f"u{number}", "turn_id": str(uuid4())}
        async with served.client.post(f"{served.url}/api/v1/query/stream", json=body) as reply:
            last = (await read_until(reply, "final"))[-1]
        return body["turn_id"], orjson.loads(last["data"])["turn_id"]

    pairs = await asyncio.gather(*(one(number) for number in range(50)))
    assert all(asked == answered for asked, answered in pairs)
    await eventually_async(lambda: served.running == 0 and open_streams("sse") == 0)


async def test_the_stream_of_an_ended_session_ends_with_an_error_while_the_turn_goes_on(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "RECHECK_S", 0.05)
    headers = await served.gateway.session_cookie() | {"origin": served.url}
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.post(f"{served.url}/api/v1/query/stream", json={"query": "wait for it"}) as reply,
    ):
        await read_until(reply, "progress")
        await served.gateway.store.sessions.end_all("acme")
        ended = await read_until(reply, "error")
        assert orjson.loads(ended[-1]["data"])["status"] == 401
        assert await reply.content.read() == b""
    assert served.running == 1
