"""``Turns`` of this process for gateways elsewhere, over HTTP: the other end of turns/http_client.py.

Open to whoever has the bearer token of the table shared_secrets: gateways of the same agent. /livez, /readyz and
/metrics need none. The request's tenant is the gateway's word, as it is in process. Served by roles/orchestrator.py.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from supportplane_crds.runtime_status import OrchestratorStatus
from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.errors import InvalidRequest, RuntimeFault, Unauthenticated, Unavailable
from supportplane_runtime.orchestrator.turns import LocalTurns
from supportplane_runtime.serving.probes import json_reply, probe_routes
from supportplane_runtime.serving.server import DrainingServer, server_config
from supportplane_runtime.serving.stream import Heartbeat, PumpedResponse, Write
from supportplane_runtime.settings import Settings
from supportplane_runtime.turns import codec
from supportplane_runtime.turns.events import TurnEvent

log = structlog.get_logger(__name__)

BEAT_S = 5.0  # a third of what a gateway waits (turns/link.py), so two signs of life may be late
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
            *probe_routes(endpoints.ready),
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
        return json_reply({"resumed": await self._turns.resume()})

    async def parts(self, _: Request) -> Response:
        return json_reply(await self._served.report())

    async def ready(self) -> None:
        if self._turns.is_closing:
            raise Unavailable("The orchestrator is about to stop.")
        await self._served.ready()


class TurnLines(PumpedResponse):
    """A turn as lines (turns/codec.py); turn: told first, None when only its events are asked for."""

    media_type = "application/x-ndjson"

    def __init__(self, events: AsyncIterator[TurnEvent], turn: Turn | None) -> None:
        super().__init__(Heartbeat(codec.BEAT, BEAT_S), {"cache-control": "no-store"})
        self._events = events
        self._turn = turn

    async def produce(self, connection: HTTPConnection, write: Write) -> None:  # noqa: ARG002 - of PumpedResponse
        if self._turn is not None:
            await write(codec.turn_line(self._turn))
        try:
            async with aclosing(self._events) as events:  # type: ignore[type-var]  # LocalTurns streams are generators
                async for event in events:
                    await write(codec.event_line(event))
        except RuntimeFault as fault:
            await write(codec.fault_line(fault))


def build_server(served: Served, settings: Settings) -> DrainingServer:
    """New turns are refused after SIGTERM, running ones get their time, and what is left is for another process."""

    async def drain() -> None:
        log.info("orchestrator_draining")
        await served.turns.close()

    config = server_config(create_app(served), settings)
    return DrainingServer(config, drain=drain, health_port=settings.health_port)


async def _render_fault(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, RuntimeFault)  # noqa: S101 - registered for RuntimeFault only
    return _fault_response(exc)


def _fault_response(fault: RuntimeFault) -> Response:
    # The next attempt must reach another process: a connection that stays open would lead here again.
    headers = {"connection": "close"} if isinstance(fault, Unavailable) else {}
    return Response(codec.fault_body(fault), fault.status_code, headers, "application/json")


def _tenant(request: Request) -> str:
    return request.query_params.get("tenant", "")


def _turn_id(request: Request) -> UUID:
    turn_id = request.path_params["turn_id"]
    assert isinstance(turn_id, UUID)  # noqa: S101 - the route's converter makes it
    return turn_id
