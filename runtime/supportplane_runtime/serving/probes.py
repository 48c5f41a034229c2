"""/livez, /readyz and /metrics: what every role answers to whoever reaches its port, without secrets or anyone's data.

``probe_routes`` is for a role without an API of its own. The gateway documents the same paths in its OpenAPI document,
so it has routes for them in gateway/api/health and takes only the contents from here.
"""

from collections.abc import Awaitable, Callable

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ALIVE = {"status": "alive"}


def metrics_reply() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def json_reply(data: object) -> Response:
    return Response(orjson.dumps(data), media_type="application/json")


def probe_routes(ready: Callable[[], Awaitable[None]]) -> tuple[Route, ...]:
    """ready: raises RuntimeFault, which the application renders, while the process cannot do its work."""

    async def answer_live(_: Request) -> Response:
        return json_reply(ALIVE)

    async def answer_ready(_: Request) -> Response:
        await ready()
        return json_reply({"ready": True})

    async def answer_metrics(_: Request) -> Response:
        return metrics_reply()

    return (
        Route("/livez", answer_live, methods=["GET"]),
        Route("/readyz", answer_ready, methods=["GET"]),
        Route("/metrics", answer_metrics, methods=["GET"]),
    )
