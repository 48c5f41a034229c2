"""HorizontalPodAutoscalers of gateway and wanted orchestrator, where Kubernetes itself counts the pods."""

from supportplane_crds import names
from supportplane_crds.scaling import Autoscaling, ScalingMetric, ScalingTarget
from supportplane_operator.render.meta import labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest

RESOURCES = {ScalingMetric.CPU_UTILIZATION: "cpu", ScalingMetric.MEMORY_UTILIZATION: "memory"}


def gateway(plan: Plan) -> Manifest | None:
    name = names.gateway(plan.name)
    scaling = plan.autoscaling
    return _hpa(plan, scaling, name, least=scaling.min_replicas) if scaling and plan.has_hpa else None


def orchestrator(plan: Plan) -> Manifest | None:
    scaling = plan.autoscaling
    return _hpa(plan, scaling, names.orchestrator(plan.name), least=least(plan)) if scaling and plan.has_hpa else None


def least(plan: Plan) -> int:
    """Fewest orchestrators: while another revision still serves, as many as it has, or the change would overload."""
    if plan.autoscaling is None:
        return 0
    running = plan.deployment(plan.serving_revision) if plan.serving_revision != plan.revision else None
    serving_now = running.get("spec", {}).get("replicas", 0) if running else 0
    return max(plan.autoscaling.min_replicas, min(plan.autoscaling.max_replicas, serving_now))


def target(plan: Plan, name: str) -> Manifest:
    """The Deployment that is scaled. name: of the autoscaler, which for orchestrators has no revision."""
    is_gateway = name == names.gateway(plan.name)
    deployment = name if is_gateway else names.orchestrator(plan.name, plan.revision)
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment}


def component(plan: Plan, name: str) -> str:
    return names.ROLE_GATEWAY if name == names.gateway(plan.name) else names.ROLE_ORCHESTRATOR


def _hpa(plan: Plan, scaling: Autoscaling, name: str, *, least: int) -> Manifest:
    of = labels(plan.name, component(plan, name))
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(name, plan.namespace, of=of, owned_by=plan.snapshot.raw),
        "spec": {
            "scaleTargetRef": target(plan, name),
            "minReplicas": least,
            "maxReplicas": scaling.max_replicas,
            "metrics": [_metric(each) for each in scaling.targets],
        },
    }


def _metric(wanted: ScalingTarget) -> Manifest:
    value = {"type": "Utilization", "averageUtilization": wanted.value}
    return {"type": "Resource", "resource": {"name": RESOURCES[wanted.metric], "target": value}}
