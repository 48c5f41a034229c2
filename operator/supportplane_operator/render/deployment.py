"""The Deployment of each role, at the wanted revision; the running orchestrator stays as it is meanwhile."""

import json

from supportplane_crds import names
from supportplane_crds.roles import Role
from supportplane_operator.render import service_account
from supportplane_operator.render.meta import compact, labels, metadata, selector
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.pod import GRACE_S, placement, restricted, serving_container, volumes
from supportplane_operator.render.rollout import serving
from supportplane_operator.snapshot import Manifest, Snapshot

HISTORY = 2  # old ReplicaSets to look at; a revision is undone by its object, not by `rollout undo`
_SERVER_FIELDS = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
_CONTROLLER_ANNOTATION = "deployment.kubernetes.io/revision"


def running_orchestrator(plan: Plan) -> Manifest | None:
    """The Deployment that serves until the wanted revision can, as it was made; None when that is the wanted one."""
    revision = serving(plan)
    found = plan.deployment(revision)
    return None if revision == plan.revision or found is None else _as_it_was(found)


def _as_it_was(live: Manifest) -> Manifest:
    """With the pods that it was given: nobody can render them any more when what they came from has changed."""
    kept = as_it_is(live)
    noted = live["metadata"].get("annotations", {}).get(names.ANNOTATION_POD_TEMPLATE)
    try:
        template = json.loads(noted or "")
    except ValueError:  # a person edited the annotation, too
        return kept
    return {**kept, "spec": {**kept["spec"], "template": template}}


def as_it_is(live: Manifest) -> Manifest:
    """What a person wrote of a live object, to say that it stays: without status and the API server's own fields.

    An annotation of a controller is not ours to send either.
    """
    meta = {key: value for key, value in live["metadata"].items() if key not in _SERVER_FIELDS}
    annotations = {key: value for key, value in meta.pop("annotations", {}).items() if key != _CONTROLLER_ANNOTATION}
    kept = {key: value for key, value in live.items() if key not in {"status", "metadata"}}
    return {**kept, "metadata": meta | ({"annotations": annotations} if annotations else {})}


def deployment(plan: Plan, role: Role) -> Manifest:
    """Of the revision that is wanted."""
    name = role.deployment_name(plan.name, plan.revision)
    marks = {names.LABEL_REVISION: plan.revision} if role.is_per_revision else {}
    template = compact(_template(plan, role, marks=marks))
    # A role without revisions has one Deployment, which is always rendered anew.
    noted = {names.ANNOTATION_POD_TEMPLATE: json.dumps(template, separators=(",", ":"))} if marks else None
    spec = {
        "replicas": plan.replicas if plan.replicas is not None else _not_taken_over(plan.snapshot, name),
        "revisionHistoryLimit": HISTORY,
        "selector": {"matchLabels": {**selector(plan.name, role.name), **marks}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": template,
    }
    of = {**labels(plan.name, role.name), **marks}
    meta = metadata(name, plan.namespace, of=of, owned_by=plan.snapshot.raw, annotations=noted)
    return compact({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})


def _not_taken_over(snapshot: Snapshot, name: str) -> int | None:
    """The live number of pods until an autoscaler owns the field: dropped earlier, Kubernetes would make it 1."""
    live = snapshot.child("Deployment", name) or {}
    owners = {
        entry.get("manager")
        for entry in live.get("metadata", {}).get("managedFields") or ()
        if "f:replicas" in entry.get("fieldsV1", {}).get("f:spec", {})
    }
    found: int | None = live["spec"].get("replicas") if owners == {names.FIELD_MANAGER} else None
    return found


def _template(plan: Plan, role: Role, *, marks: dict[str, str]) -> Manifest:
    workload = plan.workload(role.name)
    return {
        "metadata": {
            "labels": {**labels(plan.name, role.name), **marks},
            "annotations": {**workload.annotations, names.ANNOTATION_CONFIG_HASH: plan.config_hash},
        },
        "spec": restricted(
            [serving_container(plan, role)],
            serviceAccountName=service_account.name_for(plan, role.name),
            terminationGracePeriodSeconds=GRACE_S,
            volumes=volumes(plan, role.name),
            **placement(workload, plan, role.name),
        ),
    }
