"""GET /internal/v1/status: how this agent is, for the operator's conditions. Not in the OpenAPI document.

The route to the outside leads to the page and /api only; the operator comes by the Service. Without a configured key
there is nothing here.
"""

from importlib.metadata import version

from fastapi import APIRouter, Request, Response

from supportplane_crds.names import STATUS_PATH
from supportplane_crds.runtime_status import BEHIND_ORCHESTRATORS, OrchestratorStatus, Part, RuntimeStatus
from supportplane_runtime.errors import NotFound, RuntimeFault, Unauthenticated
from supportplane_runtime.gateway.api.status.tokens import check_token
from supportplane_runtime.gateway.http.json import json_reply
from supportplane_runtime.gateway.http.routes import GatewayRoute
from supportplane_runtime.gateway.state import CurrentGateway, Gateway

router = APIRouter(route_class=GatewayRoute, include_in_schema=False)
_VERSION = version("supportplane")


@router.get(STATUS_PATH)
async def status(request: Request, gateway: CurrentGateway) -> Response:
    _authenticate(request, gateway)
    health = await gateway.health.health()
    behind = await _behind(gateway)
    told = {part.name for part in behind.components}
    return json_reply(
        RuntimeStatus(
            version=_VERSION,
            revision=gateway.settings.revision,
            mode=gateway.parts.mode,
            components=(*(part for part in health.parts if part.name not in told), *behind.components),
            knowledge=behind.knowledge,
        )
    )


def _authenticate(request: Request, gateway: Gateway) -> None:
    keys, audience = gateway.parts.operator_keys, gateway.settings.status_audience
    if keys is None or audience is None:
        raise NotFound("There is nothing at this path. The paths are listed in /openapi.json.")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("This needs a token of the operator of this agent.")
    check_token(token.strip(), keys, audience=audience)


async def _behind(gateway: Gateway) -> OrchestratorStatus:
    """While nobody can tell of a part, its ok is None: the part is neither well nor failing."""
    try:
        return await gateway.parts.reporting()
    except RuntimeFault as fault:
        detail = f"Not known: {fault.detail}"
        parts = (Part(name, ok=None, required=False, detail=detail) for name in BEHIND_ORCHESTRATORS)
        return OrchestratorStatus(tuple(parts))
