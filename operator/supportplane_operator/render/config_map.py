"""The ConfigMap of a revision: the agent file, the key that the operator's questions are signed with, and how many
gateways share the rate limits.
"""

from supportplane_crds import names
from supportplane_operator.render.deployment import as_it_is
from supportplane_operator.render.meta import labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.rollout import serving
from supportplane_operator.snapshot import Manifest


def agent_config(plan: Plan) -> Manifest:
    """Of the revision that is wanted."""
    name = names.config(plan.name, plan.revision)
    of = {**labels(plan.name, "config"), names.LABEL_REVISION: plan.revision}
    # A change of the number of gateways restarts no pod: the hash of the configuration is of the other files.
    data = {names.KEY_AGENT_FILE: plan.agent_file, names.KEY_GATEWAYS: str(plan.most_gateways)}
    if plan.settings.status_jwks:
        data[names.KEY_OPERATOR_JWKS] = plan.settings.status_jwks
    meta = metadata(name, plan.namespace, of=of, owned_by=plan.snapshot.raw)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def configs_in_use(plan: Plan) -> list[Manifest]:
    """Of other revisions: the one that serves until the wanted one can, and those that pods mount.

    A gateway's pods of before stay until new ones are ready; one that is restarted meanwhile needs its file.
    """
    used = {names.config(plan.name, serving(plan)), *_mounted(plan)}
    used.discard(names.config(plan.name, plan.revision))
    found = (plan.snapshot.child("ConfigMap", name) for name in sorted(used))
    return [as_it_is(each) for each in found if each is not None]


def _mounted(plan: Plan) -> set[str]:
    """Names of the ConfigMaps that pods hold which have not ended."""
    living = (pod for pod in plan.snapshot.pods if pod.get("status", {}).get("phase") not in {"Succeeded", "Failed"})
    volumes = (volume for pod in living for volume in pod.get("spec", {}).get("volumes") or ())
    return {volume["configMap"]["name"] for volume in volumes if "configMap" in volume}
