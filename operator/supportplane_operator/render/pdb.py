"""PodDisruptionBudgets: how many pods a drain may take at once."""

from supportplane_crds.roles import Role
from supportplane_operator.render.meta import labels, metadata, selector
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest


def pdb(plan: Plan, role: Role) -> Manifest | None:
    """None below two pods: it would block every drain, or protect nothing."""
    if plan.least_replicas < 2:
        return None
    most = plan.snapshot.agent.spec.scaling.pod_disruption_budget.max_unavailable
    of, name = labels(plan.name, role.name), role.object_name(plan.name)
    meta = metadata(name, plan.namespace, of=of, owned_by=plan.snapshot.raw)
    spec = {"maxUnavailable": most, "selector": {"matchLabels": selector(plan.name, role.name)}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": spec}
