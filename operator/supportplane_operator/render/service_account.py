"""ServiceAccounts without tokens: no pod of an agent ever talks to the API server."""

from supportplane_crds import names
from supportplane_operator.render.meta import labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest


def gateway(plan: Plan) -> Manifest:
    return _account(plan, names.ROLE_GATEWAY, names.gateway(plan.name))


def orchestrator(plan: Plan) -> Manifest:
    """Also of the jobs."""
    return _account(plan, names.ROLE_ORCHESTRATOR, names.orchestrator(plan.name))


def _account(plan: Plan, role: str, name: str) -> Manifest:
    meta = metadata(name, plan.namespace, of=labels(plan.name, role), owned_by=plan.snapshot.raw)
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta, "automountServiceAccountToken": False}
