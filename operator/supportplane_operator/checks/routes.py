"""GatewayReady: whether the route from outside that was asked for is in force, as its controller says."""

from supportplane_crds import ConditionType, Reason, names
from supportplane_operator import snapshot as seen
from supportplane_operator.conditions import FAILS, HOLDS, Verdict
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest


def gateway_ready(plan: Plan) -> Verdict:
    if plan.parent_refs:
        return _http_route(plan)
    if plan.ingress is not None:
        return _ingress(plan)
    message = f"No route is asked for; Service {names.gateway(plan.name)} answers inside the cluster"
    return _verdict(HOLDS, Reason.NOT_REQUESTED, message)


def _verdict(ok: bool | None, reason: Reason, message: str) -> Verdict:
    return Verdict(ok, ConditionType.GATEWAY_READY, reason, message)


def _http_route(plan: Plan) -> Verdict:
    """Every Gateway that is named must have accepted the route as it is now."""
    if not plan.snapshot.has(seen.HTTP_ROUTE):
        message = "parentRefs are set, but the Gateway API is not installed; install it, or use spec.gateway.ingress"
        return _verdict(FAILS, Reason.GATEWAY_API_MISSING, message)
    route = plan.snapshot.child("HTTPRoute", names.gateway(plan.name)) or {}
    parents = route.get("status", {}).get("parents") or ()
    for reference in plan.parent_refs:
        told = [each for each in parents if each.get("parentRef", {}).get("name") == reference.name]
        verdict = _parent(reference.name, told, route)
        if verdict is not None:
            return verdict
    return _verdict(HOLDS, Reason.PROGRAMMED, f"HTTPRoute {names.gateway(plan.name)} is accepted by every Gateway")


def _parent(gateway: str, told: list[Manifest], route: Manifest) -> Verdict | None:
    """None when this Gateway serves the route."""
    generation = route.get("metadata", {}).get("generation", 0)
    conditions = [
        each
        for parent in told
        for each in parent.get("conditions") or ()
        if each.get("observedGeneration", generation) >= generation
    ]
    refused = next((each for each in conditions if _refuses(each)), None)
    if refused is not None:
        message = f"Gateway {gateway} refuses the route: {refused.get('reason')}: {refused.get('message', '')}"
        return _verdict(FAILS, Reason.ROUTE_NOT_ACCEPTED, message)
    if any(each.get("type") == "Accepted" and each.get("status") == "True" for each in conditions):
        return None
    message = f"Gateway {gateway} has not answered; does it exist, and does its controller run?"
    return _verdict(FAILS, Reason.ROUTE_PENDING, message)


def _refuses(condition: Manifest) -> bool:
    return condition.get("type") in {"Accepted", "ResolvedRefs"} and condition.get("status") == "False"


def _ingress(plan: Plan) -> Verdict:
    found = plan.snapshot.child("Ingress", names.gateway(plan.name)) or {}
    if found.get("status", {}).get("loadBalancer", {}).get("ingress"):
        return _verdict(HOLDS, Reason.PROGRAMMED, f"Ingress {names.gateway(plan.name)} has an address")
    class_name = plan.ingress.class_name if plan.ingress else ""
    message = f"Ingress {names.gateway(plan.name)} has no address yet; does a controller of class {class_name} run?"
    return _verdict(FAILS, Reason.ROUTE_PENDING, message)
