"""Jobs: the database brought to the image's schema, and the documents read into the index.

A Job cannot be changed, so its name holds a digest of all that is in it: another configuration is another Job. It is
tried for ever, ever more rarely: a database that comes back must need nobody's hand.
"""

from supportplane_crds import KnowledgeBase, names
from supportplane_crds.knowledge_base import KnowledgeSource
from supportplane_operator.render import service_account
from supportplane_operator.render.config import source_path
from supportplane_operator.render.meta import compact, labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.pod import container, mount, placement, restricted, volumes
from supportplane_operator.revision import digest
from supportplane_operator.snapshot import Manifest

TRIES = 1_000_000  # without end, in effect; the kubelet waits up to five minutes between them


def migrate(plan: Plan) -> Manifest:
    role = names.ROLE_MIGRATE
    pod = _pod(plan, role, [container(plan, role)], volumes(plan, role), placed_as=names.ROLE_ORCHESTRATOR)
    return _job(plan, role, names.migrate_job(plan.name, digest(pod)), pod)


def knowledge(plan: Plan) -> Manifest | None:
    """None when there is nothing to read, or nothing that a pod can reach. The schema is seen to first."""
    if not plan.bases or any(source.path is not None for base in plan.bases for source in base.spec.sources):
        return None
    role = names.ROLE_KNOWLEDGE
    sources = [(base, source) for base in plan.bases for source in base.spec.sources]
    reader = container(plan, role)
    reader["volumeMounts"] += [_mount(index, *each) for index, each in enumerate(sources)]
    found = volumes(plan, role) + [_volume(index, source) for index, (_, source) in enumerate(sources)]
    pod = _pod(plan, role, [reader], found, placed_as=role)
    pod["initContainers"] = [container(plan, names.ROLE_MIGRATE)]
    contents = {f"{kind}/{name}": found for (kind, name), found in plan.snapshot.sources.items()}
    asked = [base.metadata.annotations.get(names.ANNOTATION_READ_AGAIN) for base in plan.bases]
    read = [pod, contents, *([asked] if any(asked) else [])]
    return _job(plan, role, names.knowledge_job(plan.name, digest(read)), pod)


def _pod(plan: Plan, role: str, containers: list[Manifest], found: list[Manifest], *, placed_as: str) -> Manifest:
    pod = restricted(
        containers,
        restartPolicy="OnFailure",
        serviceAccountName=service_account.name_for(plan, role),
        volumes=found,
        **placement(plan.workload(placed_as), plan, role),
    )
    del pod["topologySpreadConstraints"]  # one pod has nothing to be spread over
    return pod


def _job(plan: Plan, role: str, name: str, pod: Manifest) -> Manifest:
    of = labels(plan.name, role)
    annotations = {**plan.workload(names.ROLE_KNOWLEDGE).annotations} if role == names.ROLE_KNOWLEDGE else {}
    template = {"metadata": {"labels": of, "annotations": annotations or None}, "spec": pod}
    meta = metadata(name, plan.namespace, of=of, owned_by=plan.snapshot.raw)
    spec = {"backoffLimit": TRIES, "template": template}
    return compact({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec})


def _mount(index: int, base: KnowledgeBase, source: KnowledgeSource) -> Manifest:
    path = source_path(base, source.name)
    claim = source.volume_claim
    return mount(f"source-{index}", path, readOnly=True, subPath=claim.sub_path if claim else None)


def _volume(index: int, source: KnowledgeSource) -> Manifest:
    name = f"source-{index}"
    if source.config_map is not None:
        return {"name": name, "configMap": {"name": source.config_map.name}}
    claim = source.volume_claim.name if source.volume_claim else ""
    return {"name": name, "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}
