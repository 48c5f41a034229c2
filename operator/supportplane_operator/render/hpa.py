"""The HorizontalPodAutoscaler of each role, where Kubernetes itself counts the pods."""

from supportplane_crds.roles import Role
from supportplane_crds.scaling import Autoscaling, ScalingMetric, ScalingTarget
from supportplane_operator.render.meta import labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.rollout import serving
from supportplane_operator.snapshot import Manifest

RESOURCES = {ScalingMetric.CPU_UTILIZATION: "cpu", ScalingMetric.MEMORY_UTILIZATION: "memory"}


def hpa(plan: Plan, role: Role) -> Manifest | None:
    scaling = plan.autoscaling
    if scaling is None or not plan.has_hpa:
        return None
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": meta_of(plan, role),
        "spec": {
            "scaleTargetRef": target(plan, role),
            "minReplicas": least(plan, scaling, role),
            "maxReplicas": scaling.max_replicas,
            "metrics": [_metric(each) for each in scaling.targets],
        },
    }


def meta_of(plan: Plan, role: Role) -> Manifest:
    """Of a role's autoscaler, whichever it is."""
    of, name = labels(plan.name, role.name), role.object_name(plan.name)
    return metadata(name, plan.namespace, of=of, owned_by=plan.snapshot.raw)


def least(plan: Plan, scaling: Autoscaling, role: Role) -> int:
    """Fewest pods: while another revision still serves, as many as it has, or the change would overload."""
    if not role.is_per_revision:
        return scaling.min_replicas
    running = plan.deployment(serving(plan)) if serving(plan) != plan.revision else None
    serving_now = running.get("spec", {}).get("replicas", 0) if running else 0
    return max(scaling.min_replicas, min(scaling.max_replicas, serving_now))


def target(plan: Plan, role: Role) -> Manifest:
    """The Deployment that is scaled: that of the wanted revision."""
    name = role.deployment_name(plan.name, plan.revision)
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}


def _metric(wanted: ScalingTarget) -> Manifest:
    value = {"type": "Utilization", "averageUtilization": wanted.value}
    return {"type": "Resource", "resource": {"name": RESOURCES[wanted.metric], "target": value}}
