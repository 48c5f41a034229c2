"""Deployments of the gateway and of the wanted revision's orchestrator; the running one stays as it is meanwhile."""

import json

from supportplane_crds import names
from supportplane_operator.render.meta import compact, labels, metadata, selector
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.pod import GRACE_S, placement, restricted, serving_container, volumes
from supportplane_operator.snapshot import Manifest, Snapshot

HISTORY = 2  # old ReplicaSets to look at; a revision is undone by its object, not by `rollout undo`
_SERVER_FIELDS = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
_CONTROLLER_ANNOTATION = "deployment.kubernetes.io/revision"


def gateway(plan: Plan) -> Manifest:
    role = names.ROLE_GATEWAY
    return _deployment(plan, role, names.gateway(plan.name), names.GATEWAY_PORT)


def orchestrator(plan: Plan) -> Manifest:
    """Of the revision that is wanted."""
    role = names.ROLE_ORCHESTRATOR
    name = names.orchestrator(plan.name, plan.revision)
    return _deployment(plan, role, name, names.ORCHESTRATOR_PORT, revision=plan.revision)


def running_orchestrator(plan: Plan) -> Manifest | None:
    """The Deployment that serves until the wanted revision can, as it was made; None when that is the wanted one."""
    revision = plan.serving_revision
    found = plan.deployment(revision)
    return None if revision == plan.revision or found is None else _as_it_was(found)


def _as_it_was(live: Manifest) -> Manifest:
    """With the pods that it was given: nobody can render them any more when what they came from has changed."""
    kept = as_it_is(live)
    noted = live["metadata"].get("annotations", {}).get(names.ANNOTATION_POD_TEMPLATE)
    try:
        template = json.loads(noted or "")
    except ValueError:  # somebody changed that, too
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


def _deployment(plan: Plan, role: str, name: str, port: int, *, revision: str | None = None) -> Manifest:
    marks = {names.LABEL_REVISION: revision} if revision else {}
    template = compact(_template(plan, role, port, marks=marks))
    # Of gateways there is one, which is always rendered anew.
    noted = {names.ANNOTATION_POD_TEMPLATE: json.dumps(template, separators=(",", ":"))} if revision else None
    spec = {
        "replicas": plan.replicas if plan.replicas is not None else _not_taken_over(plan.snapshot, name),
        "revisionHistoryLimit": HISTORY,
        "selector": {"matchLabels": {**selector(plan.name, role), **marks}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": template,
    }
    of = {**labels(plan.name, role), **marks}
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


def _template(plan: Plan, role: str, port: int, *, marks: dict[str, str]) -> Manifest:
    workload = plan.workload(role)
    return {
        "metadata": {
            "labels": {**labels(plan.name, role), **marks},
            "annotations": {**workload.annotations, names.ANNOTATION_CONFIG_HASH: plan.config_hash},
        },
        "spec": restricted(
            [serving_container(plan, role, port)],
            serviceAccountName=service_account_of(plan, role),
            terminationGracePeriodSeconds=GRACE_S,
            volumes=volumes(plan, role),
            **placement(workload, plan, role),
        ),
    }


def service_account_of(plan: Plan, role: str) -> str:
    return names.gateway(plan.name) if role == names.ROLE_GATEWAY else names.orchestrator(plan.name)
