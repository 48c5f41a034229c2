"""The HTTPRoute that a Gateway serves the agent by, where the cluster has the Gateway API."""

from supportplane_crds import names
from supportplane_crds.references import GatewayRef
from supportplane_operator import snapshot as seen
from supportplane_operator.render.ingress import PUBLIC_PATHS
from supportplane_operator.render.meta import compact, labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest


def http_route(plan: Plan) -> Manifest | None:
    if not plan.parent_refs or not plan.snapshot.has(seen.HTTP_ROUTE):
        return None
    name = names.gateway(plan.name)
    meta = metadata(name, plan.namespace, of=labels(plan.name, names.ROLE_GATEWAY), owned_by=plan.snapshot.raw)
    spec = {
        "parentRefs": [_parent(each) for each in plan.parent_refs],
        "hostnames": list(plan.hostnames),
        "rules": [_rule(name)],
    }
    return compact({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": meta, "spec": spec})


def _parent(reference: GatewayRef) -> Manifest:
    return {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "name": reference.name,
        "namespace": reference.namespace,
        "sectionName": reference.section_name,
    }


def _rule(service: str) -> Manifest:
    backend = {"group": "", "kind": "Service", "name": service, "port": names.SERVICE_PORT, "weight": 1}
    return {"matches": [_match(*each) for each in PUBLIC_PATHS], "backendRefs": [backend]}


def _match(path: str, kind: str) -> Manifest:
    return {"path": {"type": "Exact" if kind == "Exact" else "PathPrefix", "value": path}}
