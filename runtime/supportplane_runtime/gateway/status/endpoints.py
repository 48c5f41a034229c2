"""GET /internal/v1/status: how this agent is, for the operator's conditions. Not in the OpenAPI document.

The route to the outside leads to the page and /api only; the operator comes by the Service. Without a configured key
there is nothing here.
"""

from dataclasses import asdict
from importlib.metadata import version

from fastapi import APIRouter, Request, Response

from supportplane_crds.names import STATUS_PATH
from supportplane_runtime.errors import NotFound, RuntimeFault, Unauthenticated
from supportplane_runtime.gateway.parts import PartHealth, Report
from supportplane_runtime.gateway.replies import json_reply
from supportplane_runtime.gateway.routes import GatewayRoute
from supportplane_runtime.gateway.state import CurrentGateway, Gateway
from supportplane_runtime.gateway.status.tokens import check_token

router = APIRouter(route_class=GatewayRoute, include_in_schema=False)
_VERSION = version("supportplane")
_BEHIND = ("model", "knowledge")  # what only the orchestrator can tell of


@router.get(STATUS_PATH)
async def status(request: Request, gateway: CurrentGateway) -> Response:
    _authenticate(request, gateway)
    health = await gateway.health.health()
    report = await _report(gateway)
    told = {part.name for part in report.components}
    components = (*(part for part in health.parts if part.name not in told), *report.components)
    return json_reply(
        {
            "version": _VERSION,
            "revision": gateway.settings.revision,
            "mode": gateway.parts.mode,
            "components": [asdict(part) for part in components],
            "knowledge": [asdict(count) for count in report.knowledge],
        }
    )


def _authenticate(request: Request, gateway: Gateway) -> None:
    keys, audience = gateway.parts.operator_keys, gateway.settings.status_audience
    if keys is None or audience is None:
        raise NotFound("There is nothing at this path. The paths are listed in /openapi.json.")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("This needs a token of the operator of this agent.")
    check_token(token.strip(), keys, audience=audience)


async def _report(gateway: Gateway) -> Report:
    try:
        return await gateway.parts.reporting()
    except RuntimeFault as fault:
        detail = f"Not known: {fault.detail}"
        return Report(tuple(PartHealth(name, ok=False, required=False, detail=detail) for name in _BEHIND))
