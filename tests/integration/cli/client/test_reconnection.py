"""The client against a server that breaks: every way a stream can end, on real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from supportplane_cli.client import api as client
from supportplane_cli.client.api import AgentEvent, Api, Endpoint, Question
from supportplane_cli.errors import CommandFailed, NothingRunning, Refused

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MakeApi = Callable[[Handler, Handler], Awaitable[Api]]

FINAL = {"response": "Yes.", "outcome": "answered", "confidence": 0.9, "sources": [], "turn_id": "t"}


def event(name: str, number: int, data: dict[str, Any]) -> bytes:
    return f"id: t:{number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


async def streamed(request: web.Request, *chunks: bytes, cut: bool = False) -> web.StreamResponse:
    reply = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await reply.prepare(request)
    for chunk in chunks:
        await reply.write(chunk)
    if cut:
        assert request.transport is not None
        request.transport.abort()
    return reply


@pytest.fixture
async def make_api(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeApi]:
    """An Api on a server with these two handlers: asking, and going on with a turn."""
    monkeypatch.setattr(client, "PAUSES_S", (0.01,))
    closing: list[Callable[[], Awaitable[object]]] = []

    async def make(ask: Handler, resume: Handler) -> Api:
        app = web.Application()
        app.router.add_post("/api/v1/query/stream", ask)
        app.router.add_get("/api/v1/turns/{turn_id}/stream", resume)
        server = TestServer(app)
        await server.start_server()
        api = await Api(Endpoint(str(server.make_url("")), "sk_test")).__aenter__()
        closing.extend([lambda: api.__aexit__(None, None, None), server.close])
        return api

    yield make
    for close in closing:
        await close()


async def never(request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


async def collect(api: Api) -> list[AgentEvent]:
    return [event async for event in api.ask(Question("Is it?", "me"))]


async def test_a_cut_stream_goes_on_after_the_last_event_seen(make_api: MakeApi) -> None:
    resumed: list[tuple[str, str | None]] = []
    asked: list[dict[str, Any]] = []

    async def ask(request: web.Request) -> web.StreamResponse:
        asked.append(await request.json())
        return await streamed(
            request, event("progress", 1, {"step": "retrieve"}), event("token", 2, {"text": "Ye"}), cut=True
        )

    async def resume(request: web.Request) -> web.StreamResponse:
        resumed.append((request.match_info["turn_id"], request.headers.get("Last-Event-ID")))
        return await streamed(request, event("token", 3, {"text": "s."}), event("final", 4, FINAL))

    events = await collect(await make_api(ask, resume))
    assert [event.name for event in events] == ["progress", "token", "reconnecting", "token", "final"]
    assert resumed == [(asked[0]["turn_id"], "t:2")]


async def test_a_server_that_died_before_the_first_event_is_asked_again_with_the_same_turn_id(
    make_api: MakeApi,
) -> None:
    turns: list[str] = []

    async def ask(request: web.Request) -> web.StreamResponse:
        turns.append((await request.json())["turn_id"])
        if len(turns) == 1:
            return await streamed(request, cut=True)
        if len(turns) == 2:
            raise web.HTTPServiceUnavailable
        return await streamed(request, event("final", 1, FINAL))

    events = await collect(await make_api(ask, never))
    assert [event.name for event in events] == ["reconnecting", "reconnecting", "final"]
    assert len(set(turns)) == 1


async def test_a_stream_that_ends_without_a_final_event_is_no_answer(make_api: MakeApi) -> None:
    async def ask(request: web.Request) -> web.StreamResponse:
        return await streamed(request, event("progress", 1, {"step": "reconnect"}))

    async def resume(request: web.Request) -> web.StreamResponse:
        return await streamed(request, event("final", 2, FINAL))

    assert [event.name for event in await collect(await make_api(ask, resume))][-2:] == ["reconnecting", "final"]


async def test_a_connection_that_never_comes_back_is_told_with_the_turn_id(
    make_api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RECONNECT_FOR_S", 0.2)

    async def ask(request: web.Request) -> web.StreamResponse:
        return await streamed(request, event("progress", 1, {}), cut=True)

    async def resume(request: web.Request) -> web.StreamResponse:
        return await streamed(request, cut=True)

    with pytest.raises(CommandFailed, match="did not come back") as caught:
        await collect(await make_api(ask, resume))
    assert "is kept as turn" in str(caught.value.hint)


async def test_a_problem_is_refused_in_its_own_words(make_api: MakeApi) -> None:
    async def ask(request: web.Request) -> web.StreamResponse:
        problem = {"title": "Too many requests", "detail": "Wait 7 s.", "code": "rate-limited"}
        return web.json_response(problem, status=429, content_type="application/problem+json")

    with pytest.raises(Refused, match=r"Too many requests: Wait 7 s\.") as caught:
        await collect(await make_api(ask, never))
    assert "rateLimits" in str(caught.value.hint)


async def test_an_error_event_ends_the_turn(make_api: MakeApi) -> None:
    async def ask(request: web.Request) -> web.StreamResponse:
        return await streamed(request, event("error", 1, {"title": "The turn failed", "detail": "It took too long."}))

    with pytest.raises(Refused, match="The turn failed: It took too long"):
        await collect(await make_api(ask, never))


async def test_nobody_there_is_nothing_running(free_port: int) -> None:
    async with Api(Endpoint(f"http://127.0.0.1:{free_port}", "sk")) as api:
        with pytest.raises(NothingRunning, match="Nothing answers"):
            await asyncio.wait_for(collect(api), 10)
