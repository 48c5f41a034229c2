"""The agent file that pods read: the resolved objects, without what only a cluster's operator looks at.

Knowledge sources become the absolute paths they are mounted at, and a model server of the cluster becomes its URL, so
that the runtime reads the file as it would on a laptop.
"""

import json
from functools import lru_cache
from typing import Any

from supportplane_crds import KnowledgeBase, ModelEndpoint, SupportAgent, names
from supportplane_operator.documents import yaml_text
from supportplane_operator.snapshot import Manifest, Snapshot

_READ_BY_RUNTIME = ("description", "mode", "tenant", "template")
_READ_OF_GATEWAY = ("rateLimits", "trustedProxies")


def agent_file(snapshot: Snapshot, bases: tuple[KnowledgeBase, ...]) -> str:
    """Several documents: the agent, its endpoints, its knowledge bases."""
    documents = [_agent(snapshot.agent, snapshot.namespace, bases)]
    documents.append(_endpoint(snapshot))
    documents += _judge(snapshot)
    documents += [_base(base, snapshot.namespace) for base in bases]
    return _written(json.dumps(documents))


@lru_cache(maxsize=2048)
def _written(documents: str) -> str:
    """Writing YAML is 9 of the 13 ms that an agent takes (measured, 2026-11), and the same agent is rendered often."""
    return yaml_text(json.loads(documents))


def source_path(base: KnowledgeBase, source: str) -> str:
    """Where the knowledge job finds the documents of a source."""
    return f"{names.KNOWLEDGE_DIR}/{base.name}/{source}"


def _document(kind: str, name: str, namespace: str, spec: Manifest) -> Manifest:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": names.API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _agent(agent: SupportAgent, namespace: str, bases: tuple[KnowledgeBase, ...]) -> Manifest:
    """A knowledge base that does not exist is left out; only an agent that answers nothing gets this far without."""
    spec = agent.spec.dump()
    kept: Manifest = {key: spec[key] for key in _READ_BY_RUNTIME if key in spec}
    known = {base.name for base in bases}
    kept["template"]["knowledge"] = [each for each in spec["template"].get("knowledge", ()) if each["name"] in known]
    kept["gateway"] = {key: spec["gateway"][key] for key in _READ_OF_GATEWAY if key in spec["gateway"]}
    return _document(agent.kind, agent.name, namespace, kept)


def model_name(endpoint: ModelEndpoint) -> str:
    """The name that the server knows its model by."""
    spec = endpoint.spec
    if spec.embedded is not None:
        return spec.embedded.model
    return spec.serving.model if spec.serving is not None else spec.model or ""


def model_url(endpoint: str, namespace: str) -> str:
    """Of a model server that the operator runs for a ModelEndpoint of this name."""
    return f"http://{names.service_host(names.model(endpoint), namespace)}/v1"


def _endpoint(snapshot: Snapshot) -> Manifest:
    """For an agent that answers nothing and whose endpoint does not exist, an address where nobody answers."""
    name, endpoint = snapshot.agent.spec.template.model.model_ref.name, snapshot.endpoint
    url = model_url(name, snapshot.namespace)
    if endpoint is None:
        return _document("ModelEndpoint", name, snapshot.namespace, {"url": url, "model": "none"})
    return _served(endpoint, snapshot.namespace)


def _served(endpoint: ModelEndpoint, namespace: str) -> Manifest:
    """The endpoint with the URL of the model server that the operator runs for it, if it does."""
    spec = endpoint.spec.dump()
    if spec.pop("serving", None) is not None:
        spec |= {"url": model_url(endpoint.name, namespace), "model": model_name(endpoint)}
    return _document(endpoint.kind, endpoint.name, namespace, spec)


def _judge(snapshot: Snapshot) -> list[Manifest]:
    """The judge's endpoint where it is another than the writer's. The runtime reaches it at its URL, so that the model
    that comes with Supportplane has one here as well.
    """
    judge, named = snapshot.judge, snapshot.agent.spec.template.model
    if named.judge_ref is None or named.judge_ref.name == named.model_ref.name:
        return []
    if judge is None:
        url = model_url(named.judge_ref.name, snapshot.namespace)
        return [_document("ModelEndpoint", named.judge_ref.name, snapshot.namespace, {"url": url, "model": "none"})]
    document = _served(judge, snapshot.namespace)
    if document["spec"].pop("embedded", None) is not None:
        document["spec"] |= {"url": model_url(judge.name, snapshot.namespace), "model": model_name(judge)}
    return [document]


def _base(base: KnowledgeBase, namespace: str) -> Manifest:
    spec = base.spec.dump()
    spec["sources"] = [_source(base, each) for each in spec["sources"]]
    return _document(base.kind, base.name, namespace, spec)


def _source(base: KnowledgeBase, source: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in source.items() if key not in {"configMap", "volumeClaim", "path"}}
    return {"name": kept.pop("name"), "path": source_path(base, source["name"]), **kept}
