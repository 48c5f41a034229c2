"""KEDA's ScaledObjects of gateway and wanted orchestrator, where the cluster has KEDA."""

from supportplane_crds import names
from supportplane_crds.scaling import Autoscaling, ScalingTarget
from supportplane_operator import snapshot as seen
from supportplane_operator.render import hpa
from supportplane_operator.render.meta import labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest


def gateway(plan: Plan) -> Manifest | None:
    scaling = plan.autoscaling
    if scaling is None or not is_wanted(plan):
        return None
    return _scaled_object(plan, scaling, names.gateway(plan.name), least=scaling.min_replicas)


def orchestrator(plan: Plan) -> Manifest | None:
    scaling = plan.autoscaling
    if scaling is None or not is_wanted(plan):
        return None
    return _scaled_object(plan, scaling, names.orchestrator(plan.name), least=hpa.least(plan))


def is_wanted(plan: Plan) -> bool:
    return plan.has_keda and plan.snapshot.has(seen.SCALED_OBJECT)


def _scaled_object(plan: Plan, scaling: Autoscaling, name: str, *, least: int) -> Manifest:
    of = labels(plan.name, hpa.component(plan, name))
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata(name, plan.namespace, of=of, owned_by=plan.snapshot.raw),
        "spec": {
            "scaleTargetRef": hpa.target(plan, name),
            "minReplicaCount": least,
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
