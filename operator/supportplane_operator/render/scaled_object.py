"""KEDA's ScaledObject of each role, where the cluster has KEDA."""

from supportplane_crds.roles import Role
from supportplane_crds.scaling import ScalingTarget
from supportplane_operator import snapshot as seen
from supportplane_operator.render import hpa
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest


def scaled_object(plan: Plan, role: Role) -> Manifest | None:
    scaling = plan.autoscaling
    if scaling is None or not plan.has_keda or not plan.snapshot.has(seen.SCALED_OBJECT):
        return None
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": hpa.meta_of(plan, role),
        "spec": {
            "scaleTargetRef": hpa.target(plan, role),
            "minReplicaCount": hpa.least(plan, scaling, role),
            "maxReplicaCount": scaling.max_replicas,
            "triggers": [_trigger(each) for each in scaling.targets],
        },
    }


def _trigger(wanted: ScalingTarget) -> Manifest:
    return {
        "type": hpa.RESOURCES[wanted.metric],
        "metricType": "Utilization",
        "metadata": {"value": str(wanted.value)},
    }
