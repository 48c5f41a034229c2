"""A stand-in model server whose replies and misbehaviour each test chooses; requests are kept for inspection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

Behaviour = Callable[["StandIn", web.Request], Awaitable[web.StreamResponse]]


def frame(payload: Any) -> bytes:
    return b"data: " + orjson.dumps(payload) + b"\n\n"


def delta(text: str | None, finish: str | None = None) -> bytes:
    return frame({"id": "", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})


DONE = b"data: [DONE]\n\n"


@dataclass
class StandIn:
    """behaviours: one per completion request in turn, the last repeats. is_tgi: GET /info answers as TGI does."""

    behaviours: list[Behaviour] = field(default_factory=list)
    is_tgi: bool = False
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    open_requests: int = 0

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(orjson.loads(await request.read()))
        self.headers.append(dict(request.headers))
        self.open_requests += 1
        try:
            return await self.behaviours[min(len(self.bodies), len(self.behaviours)) - 1](self, request)
        except (asyncio.CancelledError, ConnectionError):
            self.disconnected.set()
            raise
        finally:
            self.open_requests -= 1

    async def info(self, request: web.Request) -> web.Response:
        self.headers.append(dict(request.headers))
        if not self.is_tgi:
            return web.json_response({"error": "not found"}, status=404)
        return web.json_response({"model_id": "google/gemma-3-4b-it", "version": "3.3.6-dev0", "router": "t-g-i"})


async def event_stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    return response


def plays(frames: Sequence[bytes]) -> Behaviour:
    """Sends the frames and ends the body properly."""

    async def behave(_: StandIn, request: web.Request) -> web.StreamResponse:
        response = await event_stream(request)
        for piece in frames:
            await response.write(piece)
        await response.write_eof()
        return response

    return behave


def plays_then_hangs(frames: Sequence[bytes]) -> Behaviour:
    async def behave(_: StandIn, request: web.Request) -> web.StreamResponse:
        response = await event_stream(request)
        for piece in frames:
            await response.write(piece)
        await asyncio.Event().wait()
        return response

    return behave


def plays_then_breaks(frames: Sequence[bytes]) -> Behaviour:
    """Drops the connection without the closing chunk."""

    async def behave(_: StandIn, request: web.Request) -> web.StreamResponse:
        response = await event_stream(request)
        for piece in frames:
            await response.write(piece)
        assert request.transport is not None
        request.transport.abort()
        return response

    return behave


def plays_for_ever(piece: bytes) -> Behaviour:
    async def behave(_: StandIn, request: web.Request) -> web.StreamResponse:
        response = await event_stream(request)
        while True:
            await response.write(piece)

    return behave


def answers(status: int, body: Any, headers: dict[str, str] | None = None) -> Behaviour:
    async def behave(_: StandIn, request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return behave


@asynccontextmanager
async def listening_stand_in() -> AsyncIterator[StandIn]:
    server = StandIn()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.complete)
    app.router.add_get("/info", server.info)
    async with TestServer(app, handler_cancellation=True) as listening:
        server.url = str(listening.make_url("/"))
        yield server
