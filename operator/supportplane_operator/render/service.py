"""Services of gateway and orchestrator; the second one's selector decides which revision answers."""

from supportplane_crds import names
from supportplane_operator.render.meta import labels, metadata, selector
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest


def gateway(plan: Plan) -> Manifest:
    role = names.ROLE_GATEWAY
    return _service(plan, names.gateway(plan.name), role, selector(plan.name, role))


def orchestrator(plan: Plan) -> Manifest:
    role = names.ROLE_ORCHESTRATOR
    select = {**selector(plan.name, role), names.LABEL_REVISION: plan.serving_revision}
    return _service(plan, names.orchestrator(plan.name), role, select)


def http_port() -> Manifest:
    return {"name": names.PORT_NAME, "port": names.SERVICE_PORT, "protocol": "TCP", "targetPort": names.PORT_NAME}


def health_port() -> Manifest:
    """For Prometheus, which finds pods by their Services."""
    name = names.HEALTH_PORT_NAME
    return {"name": name, "port": names.HEALTH_PORT, "protocol": "TCP", "targetPort": name}


def _service(plan: Plan, name: str, role: str, select: dict[str, str]) -> Manifest:
    meta = metadata(name, plan.namespace, of=labels(plan.name, role), owned_by=plan.snapshot.raw)
    spec = {"type": "ClusterIP", "selector": select, "ports": [http_port(), health_port()]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
