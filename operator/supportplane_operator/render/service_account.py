"""ServiceAccounts without tokens: no pod of an agent ever talks to the API server."""

from supportplane_crds.roles import BY_NAME, ORCHESTRATOR, Role
from supportplane_operator.render.meta import labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest


def service_account(plan: Plan, role: Role) -> Manifest:
    meta = metadata(
        name_for(plan, role.name), plan.namespace, of=labels(plan.name, role.name), owned_by=plan.snapshot.raw
    )
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta, "automountServiceAccountToken": False}


def name_for(plan: Plan, role: str) -> str:
    """The account that pods of a role run as. Jobs have none of their own and run as the orchestrator."""
    return BY_NAME.get(role, ORCHESTRATOR).object_name(plan.name)
