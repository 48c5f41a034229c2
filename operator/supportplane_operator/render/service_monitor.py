"""The ServiceMonitor by which Prometheus finds the metrics of every role."""

from supportplane_crds import names
from supportplane_crds.roles import ROLES
from supportplane_operator import snapshot as seen
from supportplane_operator.render.meta import labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest


def service_monitor(plan: Plan) -> Manifest | None:
    wanted = plan.snapshot.agent.spec.observability.service_monitor
    if not wanted or not plan.snapshot.has(seen.SERVICE_MONITOR):
        return None
    roles = [each.name for each in ROLES]
    name = names.gateway(plan.name)
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": metadata(
            name, plan.namespace, of=labels(plan.name, names.ROLE_GATEWAY), owned_by=plan.snapshot.raw
        ),
        "spec": {
            "selector": {
                "matchLabels": {names.LABEL_AGENT: plan.name},
                "matchExpressions": [{"key": names.LABEL_COMPONENT, "operator": "In", "values": roles}],
            },
            "endpoints": [{"port": names.HEALTH_PORT_NAME, "path": "/metrics", "interval": "30s"}],
        },
    }
