import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import uuid4

import aiohttp
import orjson
import pytest
from prometheus_client import REGISTRY

from support.eventually import eventually_async
from support.gateway.scripted_gateway import ORIGIN, last_words
from supportplane_runtime.domain.conversation import TurnStatus
from supportplane_runtime.gateway.api.query import standing

Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[Any]]
ASK = {"type": "query", "query": "How do I rotate an API key?", "user_id": "u1"}
WAIT = ASK | {"query": "wait for it"}


async def frames_until(socket: aiohttp.ClientWebSocketResponse, *types: str) -> list[dict[str, Any]]:
    seen = []
    async with asyncio.timeout(10):
        while True:
            frame = orjson.loads((await socket.receive_str()).encode())
            seen.append(frame)
            if frame["type"] in types:
                return seen


def open_sockets() -> float:
    return REGISTRY.get_sample_value("supportplane_streams_open", {"transport": "websocket"}) or 0


async def closed_with(socket: aiohttp.ClientWebSocketResponse) -> int:
    _, code = await last_words(socket)
    return code


async def test_the_socket_carries_the_same_events_as_the_stream(served: Any) -> None:
    turn_id = str(uuid4())
    async with served.client.ws_connect(f"{served.url}/api/v1/stream") as socket:
        await socket.send_json(ASK | {"turn_id": turn_id})
        frames = await frames_until(socket, "final")
    body = {key: value for key, value in ASK.items() if key != "type"} | {"turn_id": turn_id}
    async with served.client.post(f"{served.url}/api/v1/query/stream", json=body) as reply:
        text = (await reply.read()).decode()
    streamed = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        streamed.append((fields["event"], fields["id"], orjson.loads(fields["data"])))
    assert [(f["type"], f"{turn_id}:{f['sequence']}", f["data"]) for f in frames] == streamed
    assert {frame["turn_id"] for frame in frames} == {turn_id}


async def test_a_turn_goes_on_in_another_socket(served: Any) -> None:
    turn_id = str(uuid4())
    async with served.client.ws_connect(f"{served.url}/api/v1/stream") as socket:
        await socket.send_json(WAIT | {"turn_id": turn_id})
        await frames_until(socket, "progress")
    await eventually_async(lambda: open_sockets() == 0)
    assert served.running == 1
    async with served.client.ws_connect(f"{served.url}/api/v1/stream") as socket:
        await socket.send_json({"type": "resume", "turn_id": turn_id, "after": 1})
        served.gateway.turns.go.set()
        assert [frame["sequence"] for frame in await frames_until(socket, "final")] == [2, 3, 4, 5]
    await eventually_async(lambda: served.running == 0)


@pytest.mark.parametrize("beyond", [0, 1, 2**31 - 100])
@pytest.mark.parametrize("course", ["Hello?", "fail"])
async def test_who_resumes_after_the_end_is_told_the_end_once_more(served: Any, course: str, beyond: int) -> None:
    async with served.client.ws_connect(f"{served.url}/api/v1/stream") as socket:
        await socket.send_json(ASK | {"query": course})
        end = (await frames_until(socket, "final", "error"))[-1]
        await socket.send_json({"type": "resume", "turn_id": end["turn_id"], "after": end["sequence"] + beyond})
        assert await frames_until(socket, "final", "error") == [end]


async def test_a_frame_names_no_event_beyond_what_http_allows(served: Any) -> None:
    async with served.client.ws_connect(f"{served.url}/api/v1/stream") as socket:
        await socket.send_json({"type": "resume", "turn_id": str(uuid4()), "after": 2**31 + 1})
        error = (await frames_until(socket, "error"))[-1]
    assert (error["data"]["status"], error["data"]["errors"][0]["field"]) == (400, "resume.after")


async def test_a_turn_is_cancelled_by_a_frame(served: Any) -> None:
    turn_id = uuid4()
    async with served.client.ws_connect(f"{served.url}/api/v1/stream") as socket:
        await socket.send_json(WAIT | {"turn_id": str(turn_id)})
        await frames_until(socket, "progress")
        await socket.send_json({"type": "cancel", "turn_id": str(turn_id)})
        error = (await frames_until(socket, "error"))[-1]
    assert error["data"]["code"] == "turn-cancelled"
    assert (await served.gateway.store.turnbook.turn("acme", turn_id)).status is TurnStatus.CANCELLED


async def test_several_turns_share_a_socket_up_to_a_bound(served: Any) -> None:
    async with served.client.ws_connect(f"{served.url}/api/v1/stream") as socket:
        for _ in range(5):
            await socket.send_json(WAIT)
        refused = (await frames_until(socket, "error"))[-1]
        assert refused["data"]["status"] == 409
        served.gateway.turns.go.set()
        finals = 0
        while finals < 4:
            finals += (await frames_until(socket, "final"))[-1]["type"] == "final"
    await eventually_async(lambda: served.running == 0)


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "null",
        "[]",
        '{"type": "query"}',
        '{"type": "query", "query": "Hi?", "user_id": "u", "extra": 1}',
        '{"type": "query", "query": "Hi?", "query": "Ho?", "user_id": "u"}',
        '{"type": "query", "query": NaN, "user_id": "u"}',
        '{"type": "shout"}',
        '{"query": "Hi?", "user_id": "u"}',
        '{"type": "resume", "turn_id": "x"}',
        '{"type": "resume", "turn_id": 1, "after": "0"}',
        '{"type": "query", "query": "Hi\\u0000", "user_id": "u"}',
        '{"type": "query", "query": "Hi\\ud800", "user_id": "u"}',
        "[" * 20000,
    ],
)
async def test_a_senseless_frame_is_answered_and_the_socket_stays(served: Any, frame: str) -> None:
    async with served.client.ws_connect(f"{served.url}/api/v1/stream") as socket:
        await socket.send_str(frame)
        error = (await frames_until(socket, "error"))[0]
        assert error["data"]["status"] == 400, error
        assert error["sequence"] == 0
        await socket.send_json(ASK)
        assert (await frames_until(socket, "final"))[-1]["data"]["outcome"] == "answered"


async def test_who_keeps_sending_nonsense_is_closed(served: Any) -> None:
    async with served.client.ws_connect(f"{served.url}/api/v1/stream") as socket:
        for _ in range(5):
            await socket.send_str("nonsense")
        assert await closed_with(socket) == 1008


async def test_binary_frames_are_closed_with_1003(served: Any) -> None:
    async with served.client.ws_connect(f"{served.url}/api/v1/stream") as socket:
        await socket.send_bytes(b"{}")
        assert await closed_with(socket) == 1003


async def test_too_big_a_frame_is_closed_with_1009(served: Any) -> None:
    async with served.client.ws_connect(f"{served.url}/api/v1/stream") as socket:
        await socket.send_str("x" * 70_000)
        assert await closed_with(socket) == 1009


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer sk_made_up_key_made_up_key"}, 401),
        ({"cookie": "supportplane_session=x"}, 403),
        ({"cookie": "supportplane_session=x", "origin": "https://evil.example"}, 403),
        ({"origin": "https://evil.example", "authorization": "OWN KEY"}, 403),
        ({"host": "evil.example", "authorization": "OWN KEY"}, 421),
    ],
)
async def test_a_handshake_without_a_right_is_refused_with_a_problem(
    served: Any, headers: dict[str, str], status: int
) -> None:
    if headers.get("authorization") == "OWN KEY":
        headers = headers | served.gateway.key.headers
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect(f"{served.url}/api/v1/stream", headers=headers)
    assert caught.value.status == status


async def test_a_browser_authenticates_by_subprotocol_cookie_or_visitor(served: Any) -> None:
    own = {"origin": served.url, "host": f"127.0.0.1:{served.port}"}
    by_key = {"protocols": ("supportplane", f"bearer.{served.gateway.key.plain}"), "headers": own}
    cookie = (await served.gateway.session_cookie())["cookie"]
    by_cookie = {"headers": own | {"cookie": cookie}}
    visitor = (await served.gateway.visitor_headers())["x-visitor-token"]
    by_visitor = {
        "protocols": ("supportplane", f"visitor.{visitor}"),
        "headers": {"origin": ORIGIN},
        "params": {"key": served.gateway.widget_key.plain},
    }
    async with aiohttp.ClientSession() as client:
        for way in (by_key, by_cookie, by_visitor):
            frame = ASK if way is by_key else {key: value for key, value in ASK.items() if key != "user_id"}
            async with client.ws_connect(f"{served.url}/api/v1/stream", **way) as socket:
                assert socket.protocol == (None if way is by_cookie else "supportplane")
                await socket.send_json(frame)
                assert (await frames_until(socket, "final", "error"))[-1]["type"] == "final", way


async def test_frames_do_not_reach_other_tenants_or_users_turns(served: Any) -> None:
    asked = await served.client.post(f"{served.url}/api/v1/query", json={"query": "ticket please", "user_id": "u1"})
    mine = await asked.json()
    strangers = [served.gateway.other_key.headers, await served.gateway.session_cookie("acme", "u2")]
    strangers[1]["origin"] = served.url
    for headers in strangers:
        async with (
            aiohttp.ClientSession(headers=headers) as client,
            client.ws_connect(f"{served.url}/api/v1/stream") as socket,
        ):
            user = {"user_id": "u1"} if headers is strangers[0] else {}
            for frame in (
                {"type": "resume", "turn_id": mine["turn_id"]},
                {"type": "cancel", "turn_id": mine["turn_id"]},
                {"type": "query", "query": "Hi?", "conversation_id": mine["conversation_id"]} | user,
            ):
                await socket.send_json(frame)
                error = (await frames_until(socket, "error", "final"))[-1]
                assert error["data"]["status"] == 404, frame
    assert served.gateway.turns.cancelled == []


async def test_a_key_that_is_revoked_may_not_ask_on_an_open_socket(served: Any) -> None:
    key = await served.gateway.make_key()
    async with (
        aiohttp.ClientSession(headers=key.headers) as client,
        client.ws_connect(f"{served.url}/api/v1/stream") as socket,
    ):
        await served.gateway.store.keys.revoke("acme", key.record.key_id)
        await socket.send_json(ASK)
        assert (await frames_until(socket, "error"))[-1]["data"]["status"] == 401


async def test_a_socket_of_an_ended_session_is_closed_while_its_turn_goes_on(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "RECHECK_S", 0.05)
    headers = await served.gateway.session_cookie() | {"origin": served.url}
    async with aiohttp.ClientSession(headers=headers) as client:
        async with client.ws_connect(f"{served.url}/api/v1/stream") as socket:
            await socket.send_json({"type": "query", "query": "wait for it"})
            await frames_until(socket, "progress")
            await served.gateway.store.sessions.end_all("acme")
            frames, code = await last_words(socket)
        assert (frames[-1]["type"], frames[-1]["data"]["status"], code) == ("error", 401, 1008)
        await eventually_async(lambda: open_sockets() == 0)
        assert served.running == 1
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await client.ws_connect(f"{served.url}/api/v1/stream")


async def test_an_idle_socket_of_a_revoked_key_is_closed(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "RECHECK_S", 0.05)
    key = await served.gateway.make_key()
    async with (
        aiohttp.ClientSession(headers=key.headers) as client,
        client.ws_connect(f"{served.url}/api/v1/stream") as socket,
    ):
        await served.gateway.store.keys.revoke("acme", key.record.key_id)
        assert await closed_with(socket) == 1008


async def test_each_frame_counts_against_the_limit(serve_with: Serve) -> None:
    from supportplane_runtime.store.interfaces.limits import Limit
    from supportplane_runtime.store.memory.limits import memory_rate_limiter

    limiter = memory_rate_limiter({"APIKey": Limit(2, timedelta(days=1))})
    async with (
        serve_with(limiter=limiter) as served,
        served.client.ws_connect(f"{served.url}/api/v1/stream") as socket,
    ):
        await socket.send_json(ASK)
        await frames_until(socket, "final")
        await socket.send_json(ASK)
        error = (await frames_until(socket, "error", "final"))[-1]
    assert error["data"]["code"] == "rate-limited"


async def test_a_socket_that_does_not_read_is_dropped(serve_with: Serve) -> None:
    async with serve_with(stream_write_timeout_s=0.3) as served:
        socket = await served.client.ws_connect(f"{served.url}/api/v1/stream")
        transport = socket._response.connection.transport
        transport.pause_reading()
        await socket.send_json(ASK | {"query": "long 20000"})
        await eventually_async(lambda: served.running == 1 or bool(served.gateway.turns.logs))
        await eventually_async(lambda: open_sockets() == 0 and served.running == 0, deadline_s=20)
        await eventually_async(lambda: not served.server.server_state.connections)
        transport.abort()


async def test_a_client_that_vanishes_leaves_nothing_behind(served: Any) -> None:
    for _ in range(20):
        socket = await served.client.ws_connect(f"{served.url}/api/v1/stream")
        await socket.send_json(WAIT)
        await frames_until(socket, "progress")
        socket._response.connection.transport.abort()
    await eventually_async(lambda: open_sockets() == 0)
    served.gateway.turns.go.set()
    await eventually_async(lambda: served.running == 0 and served.gateway.turns.streams_open == 0)
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not names & {"socket-pump", "turn-watcher", "sse-pump", "sse-gone"}
