"""/livez, /readyz, /health and /metrics: without authentication, and without secrets or anyone's data.

/livez says that the process answers; /readyz that it can answer questions, from documents that were read once (503
otherwise). /metrics is for whoever reaches the port: the laptop binds to loopback, in a cluster the route to the
outside leads to /api and the page only.
"""

from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Response

from supportplane_runtime.gateway.api.health.schemas import HealthReply, LiveReply, ReadyReply
from supportplane_runtime.gateway.http.json import json_reply
from supportplane_runtime.gateway.http.routes import GatewayRoute
from supportplane_runtime.gateway.state import CurrentGateway
from supportplane_runtime.serving.probes import metrics_reply

router = APIRouter(route_class=GatewayRoute, tags=["health"])
_VERSION = version("supportplane")
_METRICS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Prometheus text format", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


@router.get("/livez", summary="The process answers", responses={200: {"model": LiveReply}})
async def live() -> Response:
    return json_reply(LiveReply("alive"))


@router.get(
    "/readyz",
    summary="Questions can be answered",
    responses={200: {"model": ReadyReply}, 503: {"model": ReadyReply, "description": "Not now, for the reasons given"}},
)
async def ready(gateway: CurrentGateway) -> Response:
    health = await gateway.health.health()
    return json_reply(ReadyReply(health.ready, health.reasons), status=200 if health.ready else 503)


@router.get("/health", summary="Each part, in sentences", responses={200: {"model": HealthReply}})
async def health(gateway: CurrentGateway) -> Response:
    """Always 200: this is for people and programs that read it; machines that route use /readyz."""
    return json_reply(HealthReply.of(await gateway.health.health(), version=_VERSION))


@router.get("/metrics", summary="Prometheus metrics", response_class=Response, responses=_METRICS)
async def read_metrics() -> Response:
    return metrics_reply()
