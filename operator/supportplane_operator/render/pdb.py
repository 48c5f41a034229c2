"""PodDisruptionBudgets: how many pods a drain may take at once."""

from supportplane_crds import names
from supportplane_operator.render.meta import labels, metadata, selector
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest


def gateway(plan: Plan) -> Manifest | None:
    return _budget(plan, names.ROLE_GATEWAY, names.gateway(plan.name))


def orchestrator(plan: Plan) -> Manifest | None:
    return _budget(plan, names.ROLE_ORCHESTRATOR, names.orchestrator(plan.name))


def _budget(plan: Plan, role: str, name: str) -> Manifest | None:
    """None below two pods: it would block every drain, or protect nothing."""
    if plan.least_replicas < 2:
        return None
    most = plan.snapshot.agent.spec.scaling.pod_disruption_budget.max_unavailable
    meta = metadata(name, plan.namespace, of=labels(plan.name, role), owned_by=plan.snapshot.raw)
    spec = {"maxUnavailable": most, "selector": {"matchLabels": selector(plan.name, role)}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": spec}
