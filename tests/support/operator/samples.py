"""Snapshots for tests of the operator's pure core, made of YAML as a user would write it, and live objects for them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from support.repository import REPOSITORY
from supportplane_crds import AgentFile, parse_agent_file
from supportplane_operator.render import render
from supportplane_operator.render.plan import Plan
from supportplane_operator.settings import Settings
from supportplane_operator.snapshot import OPTIONAL_APIS, EndpointSnapshot, Manifest, Snapshot

ALL_APIS = frozenset(OPTIONAL_APIS)
SETTINGS = Settings(runtime_image="registry.example/runtime:1", status_jwks='{"keys": []}')
SAMPLES = REPOSITORY / "crds/samples"

AGENT: Manifest = {
    "template": {"model": {"modelRef": {"name": "slm"}}, "knowledge": [{"name": "handbook"}]},
    "persistence": {"database": {"secretRef": {"name": "pg"}}, "cache": {"secretRef": {"name": "redis"}}},
}
ENDPOINT: Manifest = {"url": "https://models.example.com/v1", "model": "qwen"}
BASE: Manifest = {"sources": [{"name": "docs", "configMap": {"name": "articles"}}]}


def merged(base: Manifest, change: Mapping[str, Any]) -> Manifest:
    """The two in one, mapping by mapping; None takes a field away."""
    found = dict(base)
    for key, value in change.items():
        nested = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = merged(found[key], value) if nested else value
    return {key: value for key, value in found.items() if value is not None}


def agent_file(
    spec: Mapping[str, Any] | None = None,
    endpoint: Mapping[str, Any] | None = None,
    judge: Mapping[str, Any] | None = None,
) -> AgentFile:
    """spec, endpoint: what differs from the usual ones; an endpoint is replaced as a whole. judge: of another model."""
    documents = [
        document("SupportAgent", "helpdesk", merged(AGENT, spec or {})),
        document("ModelEndpoint", "slm", dict(endpoint or ENDPOINT)),
        document("KnowledgeBase", "handbook", BASE),
        *([document("ModelEndpoint", "judge", dict(judge))] if judge else []),
    ]
    return parse_agent_file(_text(documents), Path("agent.yaml"))


def document(kind: str, name: str, spec: Manifest) -> Manifest:
    metadata = {"name": name, "namespace": "acme"}
    return {"apiVersion": "supportplane.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def _text(documents: Iterable[Manifest]) -> str:
    stream = StringIO()
    YAML(typ="safe", pure=True).dump_all(documents, stream)
    return stream.getvalue()


def snapshot(
    spec: Mapping[str, Any] | None = None,
    *,
    endpoint: Mapping[str, Any] | None = None,
    judge: Mapping[str, Any] | None = None,
    apis: frozenset[str] = frozenset(),
    **more: Any,
) -> Snapshot:
    """more: fields of the snapshot."""
    return replace(of_file(agent_file(spec, endpoint, judge), apis=apis), **more)


def of_file(file: AgentFile, *, apis: frozenset[str] = ALL_APIS) -> Snapshot:
    return Snapshot(
        agent=file.agent,
        raw=raw(file.agent),
        endpoint=file.model_endpoint,
        judge=file.judge_endpoint,
        bases=file.knowledge_bases,
        capabilities=apis,
    )


def raw(item: Any, **metadata: Any) -> Manifest:
    """As the API server has it: with a uid and a generation."""
    values: Manifest = item.dump()
    values["metadata"] |= {"namespace": "acme", "uid": "0001", "generation": 3, **metadata}
    return values


def endpoint_snapshot(spec: Mapping[str, Any], **more: Any) -> EndpointSnapshot:
    endpoint = agent_file(endpoint=spec).model_endpoint
    return EndpointSnapshot(endpoint, raw(endpoint), **more)


def applied(
    found: Snapshot, *, settings: Settings = SETTINGS, status: Mapping[str, Manifest] | None = None
) -> Snapshot:
    """The snapshot after its manifests were applied. status: by name of a child."""
    children = {
        (each["kind"], each["metadata"]["name"]): live(each, (status or {}).get(each["metadata"]["name"]))
        for each in render(Plan(found, settings))
    }
    return replace(found, children=children)


def live(manifest: Manifest, status: Manifest | None = None) -> Manifest:
    """With what the API server adds."""
    metadata = {**manifest["metadata"], "uid": "1", "resourceVersion": "7", "generation": 1, "managedFields": [{}]}
    return {**manifest, "metadata": metadata, **({"status": status} if status else {})}


def ready(count: int = 2) -> Manifest:
    """The status of a Deployment all of whose pods are ready."""
    kinds = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    return {"observedGeneration": 1, **dict.fromkeys(kinds, count)}


def pod(name: str, component: str, *, revision: str | None = None, **status: Any) -> Manifest:
    labels = {"supportplane.io/agent": "helpdesk", "app.kubernetes.io/component": component}
    labels |= {"supportplane.io/revision": revision} if revision else {}
    return {"metadata": {"name": name, "labels": labels}, "status": status}


def waiting(reason: str, message: str = "", **more: Any) -> Manifest:
    """For a pod whose container waits."""
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"name": "c", "image": "registry.example/x:1", "state": state, **more}]}


def by_name(manifests: Iterable[Manifest], kind: str) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] == kind}
