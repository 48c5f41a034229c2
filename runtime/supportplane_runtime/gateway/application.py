"""Puts the gateway together: routes, guards, error rendering, start and stop. Called by supportplane_runtime.app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Response
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.requests import HTTPConnection
from starlette.exceptions import HTTPException

from supportplane_runtime.errors import RuntimeFault
from supportplane_runtime.gateway.api.conversations.endpoints import router as conversations
from supportplane_runtime.gateway.api.feedback.endpoints import router as feedback
from supportplane_runtime.gateway.api.gaps.endpoints import router as gaps
from supportplane_runtime.gateway.api.health.endpoints import router as health
from supportplane_runtime.gateway.api.page.endpoints import router as page
from supportplane_runtime.gateway.api.query.endpoints import router as query
from supportplane_runtime.gateway.api.sessions.endpoints import router as sessions
from supportplane_runtime.gateway.api.status.endpoints import router as status
from supportplane_runtime.gateway.api.tickets.endpoints import router as tickets
from supportplane_runtime.gateway.facts import facts_of
from supportplane_runtime.gateway.http import problems
from supportplane_runtime.gateway.http.heads import Heads
from supportplane_runtime.gateway.http.observation import Observation
from supportplane_runtime.gateway.http.security import BodyLimit, HostGuard, Preflights
from supportplane_runtime.gateway.openapi import install_openapi
from supportplane_runtime.gateway.parts import GatewayParts
from supportplane_runtime.gateway.state import Gateway, gateway_of
from supportplane_runtime.settings import Settings


def create_app(parts: GatewayParts, settings: Settings) -> FastAPI:
    """The ASGI application. Serve it with ``server.build_server``, which knows its limits and how to stop it."""
    gateway = Gateway.of(parts, settings)
    app = FastAPI(
        title="Supportplane",
        version=version("supportplane"),
        docs_url=None,  # the usual viewers load from a CDN; api/page/endpoints.py serves a reference of its own
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # what links and generated clients call an operation
        redirect_slashes=False,  # a redirected POST loses its body in some clients; a wrong path is a 404
        lifespan=_lifespan,
    )
    app.state.gateway = gateway
    for router in (query, feedback, gaps, conversations, tickets, sessions, health, status, page):
        app.include_router(router)
    _add_guards(app, gateway)
    _add_error_rendering(app)
    install_openapi(app, gateway.authentication.ways)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    gateway: Gateway = app.state.gateway
    gateway.audit_log.start()
    gateway.audit_retention.start()
    try:
        yield
    finally:
        gateway.admission.drain()
        await gateway.asking.stop()
        await gateway.audit_retention.stop()
        await gateway.audit_log.stop()


def _add_guards(app: FastAPI, gateway: Gateway) -> None:
    """Added innermost first: a request meets them from the last line to the first."""
    app.add_middleware(Heads)
    app.add_middleware(BodyLimit, max_bytes=gateway.settings.max_body_bytes)
    app.add_middleware(Preflights, keys=gateway.keys)
    app.add_middleware(HostGuard, allowed=gateway.settings.allowed_hosts)
    app.add_middleware(Observation, audit_log=gateway.audit_log, proxies=gateway.proxies, tarpit=gateway.tarpit)


def _add_error_rendering(app: FastAPI) -> None:
    app.add_exception_handler(RuntimeFault, _render_fault)
    app.add_exception_handler(RequestValidationError, problems.render_validation)
    app.add_exception_handler(WebSocketRequestValidationError, problems.render_validation)
    app.add_exception_handler(HTTPException, problems.render_http_exception)


async def _render_fault(request: HTTPConnection, exc: Exception) -> Response:
    """Who keeps being refused is told of that limit, with the reason of this refusal."""
    assert isinstance(exc, RuntimeFault)  # noqa: S101 - registered for RuntimeFault only; the signature is Starlette's
    source = facts_of(request).peer.source
    return await problems.render_fault(request, gateway_of(request).tarpit.judged(exc, source))
