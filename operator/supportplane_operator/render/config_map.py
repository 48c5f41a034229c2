"""The ConfigMap with the agent file of a revision and the key that the operator's questions are signed with."""

from supportplane_crds import names
from supportplane_operator.render.deployment import as_it_is
from supportplane_operator.render.meta import labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest


def agent_config(plan: Plan) -> Manifest:
    """Of the revision that is wanted."""
    name = names.config(plan.name, plan.revision)
    of = {**labels(plan.name, "config"), names.LABEL_REVISION: plan.revision}
    data = {names.KEY_AGENT_FILE: plan.agent_file}
    if plan.settings.status_jwks:
        data[names.KEY_OPERATOR_JWKS] = plan.settings.status_jwks
    meta = metadata(name, plan.namespace, of=of, owned_by=plan.snapshot.raw)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def running_config(plan: Plan) -> Manifest | None:
    """Of the revision that serves until the wanted one can: its pods may be restarted at any time."""
    if plan.serving_revision == plan.revision:
        return None
    found = plan.snapshot.child("ConfigMap", names.config(plan.name, plan.serving_revision))
    return as_it_is(found) if found else None
