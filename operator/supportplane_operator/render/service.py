"""The Service of each role; of a role with revisions its selector decides which revision answers."""

from supportplane_crds import names
from supportplane_crds.roles import Role
from supportplane_operator.render.meta import labels, metadata, selector
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.rollout import serving
from supportplane_operator.snapshot import Manifest


def service(plan: Plan, role: Role) -> Manifest:
    meta = metadata(
        role.object_name(plan.name), plan.namespace, of=labels(plan.name, role.name), owned_by=plan.snapshot.raw
    )
    marks = {names.LABEL_REVISION: serving(plan)} if role.is_per_revision else {}
    select = {**selector(plan.name, role.name), **marks}
    spec = {"type": "ClusterIP", "selector": select, "ports": [http_port(), health_port()]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


def http_port() -> Manifest:
    return {"name": names.PORT_NAME, "port": names.SERVICE_PORT, "protocol": "TCP", "targetPort": names.PORT_NAME}


def health_port() -> Manifest:
    """For Prometheus, which finds pods by their Services."""
    name = names.HEALTH_PORT_NAME
    return {"name": name, "port": names.HEALTH_PORT, "protocol": "TCP", "targetPort": name}
