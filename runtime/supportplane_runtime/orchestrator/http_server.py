"""``Turns`` of this process for gateways elsewhere, over HTTP: the other end of turns/http_client.py.

Open to whoever has the bearer token of the table shared_secrets: gateways of the same agent. /livez, /readyz and
/metrics need none. The request's tenant is the gateway's word, as it is in process. Served by app/orchestrator.py.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from socket import socket
from uuid import UUID

import orjson
import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from supportplane_crds.runtime_status import OrchestratorStatus
from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.errors import InvalidRequest, RuntimeFault, Unauthenticated, Unavailable
from supportplane_runtime.orchestrator.turns import LocalTurns
from supportplane_runtime.settings import Settings
from supportplane_runtime.turns import codec
from supportplane_runtime.turns.events import TurnEvent

log = structlog.get_logger(__name__)

BEAT_S = 5.0  # a third of what a gateway waits (turns/link.py), so two signs of life may be late
STOP_DEADLINE_S = 5  # whole seconds, as uvicorn takes it; running turns were waited for before
INTERNAL = "/internal/"


@dataclass(frozen=True, slots=True)
class Served:
    """ready: raises RuntimeFault when no turn could be accepted. report: how the parts are, for a gateway's status."""

    turns: LocalTurns
    token: str
    ready: Callable[[], Awaitable[None]]
    report: Callable[[], Awaitable[OrchestratorStatus]]


def create_app(served: Served) -> Starlette:
    endpoints = _Endpoints(served)
    turns = f"{INTERNAL}v1/turns"
    return Starlette(
        routes=[
            Route(turns, endpoints.start, methods=["POST"]),
            Route(f"{turns}/resume", endpoints.resume, methods=["POST"]),
            Route(f"{turns}/{{turn_id:uuid}}/events", endpoints.events, methods=["GET"]),
            Route(f"{turns}/{{turn_id:uuid}}/cancel", endpoints.cancel, methods=["POST"]),
            Route(f"{INTERNAL}v1/parts", endpoints.parts, methods=["GET"]),
            Route("/livez", _live, methods=["GET"]),
            Route("/readyz", endpoints.ready, methods=["GET"]),
            Route("/metrics", _metrics, methods=["GET"]),
        ],
        middleware=[Middleware(TokenGuard, token=served.token)],
        exception_handlers={RuntimeFault: _render_fault},
    )


class TokenGuard:
    """Answers nothing below /internal/ without the token."""

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(INTERNAL):
            presented = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            if not secrets.compare_digest(presented, self._expected):
                fault = Unauthenticated("This needs the token that the gateways of this agent share.")
                await _fault_response(fault)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class _Endpoints:
    def __init__(self, served: Served) -> None:
        self._served = served
        self._turns = served.turns

    async def start(self, request: Request) -> Response:
        turn = await self._turns.start(codec.parse_request(await request.body()))
        return TurnLines(self._turns.stream(turn.tenant, turn.turn_id), turn)

    async def events(self, request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not (after.isdecimal() and after.isascii()):
            raise InvalidRequest("after is the number of an event.")
        return TurnLines(self._turns.stream(_tenant(request), _turn_id(request), after=int(after)), None)

    async def cancel(self, request: Request) -> Response:
        await self._turns.cancel(_tenant(request), _turn_id(request))
        return Response(status_code=204)

    async def resume(self, _: Request) -> Response:
        return _json({"resumed": await self._turns.resume()})

    async def parts(self, _: Request) -> Response:
        return _json(await self._served.report())

    async def ready(self, _: Request) -> Response:
        if self._turns.is_closing:
            raise Unavailable("The orchestrator is about to stop.")
        await self._served.ready()
        return _json({"ready": True})


class TurnLines(Response):
    """A turn as lines (turns/codec.py); turn: told first, None when only its events are asked for."""

    media_type = "application/x-ndjson"

    def __init__(self, events: AsyncIterator[TurnEvent], turn: Turn | None) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({"cache-control": "no-store"})
        self._events = events
        self._turn = turn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        pump = asyncio.create_task(self._pump(send), name="lines-pump")
        gone = asyncio.create_task(_until_gone(receive), name="lines-gone")
        try:
            while not (await asyncio.wait({pump, gone}, timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED))[0]:
                await _write(send, codec.BEAT)
            if pump.done():
                pump.result()
        finally:
            for task in (pump, gone):
                task.cancel()
            await asyncio.gather(pump, gone, return_exceptions=True)

    async def _pump(self, send: Send) -> None:
        if self._turn is not None:
            await _write(send, codec.turn_line(self._turn))
        try:
            async with aclosing(self._events) as events:  # type: ignore[type-var]  # LocalTurns streams are generators
                async for event in events:
                    await _write(send, codec.event_line(event))
        except RuntimeFault as fault:
            await _write(send, codec.fault_line(fault))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class OrchestratorServer(uvicorn.Server):
    """On SIGTERM: new turns are refused, running ones get their time, what is left is for another process.

    health_port: listened on as well, for probers, whom gateways can't keep out there.
    """

    def __init__(self, config: uvicorn.Config, turns: LocalTurns, *, health_port: int | None) -> None:
        super().__init__(config)
        self._turns = turns
        self._health_port = health_port

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self._health_port is not None:
            loop = asyncio.get_running_loop()
            self.servers.append(await loop.create_server(self._protocol, self.config.host, self._health_port))

    def _protocol(self) -> asyncio.Protocol:
        made = self.config.http_protocol_class(  # type: ignore[call-arg]  # as uvicorn itself does
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        assert isinstance(made, asyncio.Protocol)  # noqa: S101 - each of uvicorn's is one
        return made

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        log.info("orchestrator_draining")
        await self._turns.close()
        await super().shutdown(sockets)
        # uvicorn would raise the signal again and kill the process; app still has pools to close after serve().
        self._captured_signals.clear()


def build_server(served: Served, settings: Settings) -> OrchestratorServer:
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        create_app(served),
        host=settings.http_host,
        port=settings.http_port,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_DEADLINE_S,
    )
    return OrchestratorServer(config, served.turns, health_port=settings.health_port)


async def _live(_: Request) -> Response:
    return _json({"status": "alive"})


async def _metrics(_: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _render_fault(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, RuntimeFault)  # noqa: S101 - registered for RuntimeFault only
    return _fault_response(exc)


def _fault_response(fault: RuntimeFault) -> Response:
    # The next attempt must reach another process: a connection that stays open would lead here again.
    headers = {"connection": "close"} if isinstance(fault, Unavailable) else {}
    return Response(codec.fault_body(fault), fault.status_code, headers, "application/json")


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")


def _tenant(request: Request) -> str:
    return request.query_params.get("tenant", "")


def _turn_id(request: Request) -> UUID:
    turn_id = request.path_params["turn_id"]
    assert isinstance(turn_id, UUID)  # noqa: S101 - the route's converter makes it
    return turn_id


async def _write(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    with suppress(asyncio.CancelledError):
        while (await receive())["type"] != "http.disconnect":
            pass
