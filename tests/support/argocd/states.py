"""Every state that Argo CD may find our objects in, with the status as the operator itself writes it.

`PYTHONPATH=tests .venv/bin/python -m support.argocd.states` writes them as the `testdata` of
operator/argocd/resource_customizations; a test compares. What Argo CD should make of each stands in `health_test.yaml`.
"""

import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from support.operator.samples import (
    ALL_APIS,
    BASE,
    SETTINGS,
    document,
    endpoint_snapshot,
    pod,
    raw,
    ready,
    snapshot,
    waiting,
)
from support.operator.situations import CRASH, SECRET_MISSING, report, serving, without_pods
from support.repository import REPOSITORY
from supportplane_crds import KnowledgeBase, Reason
from supportplane_crds.load import KINDS
from supportplane_crds.names import ANNOTATION_PAUSED, ANNOTATION_READ_AGAIN
from supportplane_operator import checks
from supportplane_operator.conditions import companion_status_of, status_of, unusable_status_of
from supportplane_operator.errors import WriteRefused
from supportplane_operator.parse import parse
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import BaseSnapshot, EndpointSnapshot, Manifest, Snapshot

CUSTOMIZATIONS = REPOSITORY / "operator/argocd/resource_customizations/supportplane.io"
NOW = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
OWN_SERVER: Manifest = {"url": "https://models.example.com/v1", "model": "qwen"}
SERVED: Manifest = {"embedded": {}}
ROUTE: Manifest = {"gateway": {"parentRefs": [{"name": "public"}], "hostnames": ["help.example.com"]}}
LAPTOP: Manifest = {"sources": [{"name": "docs", "path": "docs"}]}
DIGEST = re.compile(r"\b[0-9a-f]{10}\b")

States = Mapping[str, Manifest]
"""File name without its suffix -> object."""


@cache
def states() -> Mapping[str, States]:
    """By kind. Made once, so nobody changes them."""
    return {"SupportAgent": agents(), "ModelEndpoint": endpoints(), "KnowledgeBase": bases()}


# SupportAgent


def agents() -> States:
    told = {name: _agent(found) for name, found in _situations().items()}
    return {
        **told,
        "progressing_notReported": _stored(serving().raw),
        "progressing_oldObservedGeneration": _changed_since(told["healthy"]),
        "degraded_refusedByTheAPIServer": _refused(serving()),
        "degraded_invalidSpec": _unusable(serving().raw, Reason.INVALID_SPEC, "spec.mode: is not a mode"),
        "degraded_unsupportedFeature": _unusable(
            told["healthy"], Reason.UNSUPPORTED_FEATURE, "spec.reranker: unknown field"
        ),
        "suspended_paused": _paused(serving()),
        "suspended_pausedBeforeItWasSeen": _annotated(_stored(serving().raw)),
    }


def _situations() -> Mapping[str, Snapshot]:
    first_index = without_pods(runtime=report(chunks=0))
    gateway_stuck = pod("helpdesk-gateway-1", "gateway", **waiting("ErrImagePull"))
    gateway_crashing = pod("helpdesk-gateway-1", "gateway", **CRASH)
    return {
        "healthy": serving(),
        "healthy_handoffOnly": serving({"mode": "HandoffOnly"}),
        "healthy_withoutCache": serving(runtime=report("cache", optional=("cache",))),
        "healthy_withoutKEDA": serving({"scaling": {"autoscaling": {"provider": "KEDA", "maxReplicas": 4}}}),
        "healthy_readingDocumentsAgain": _without_index_job(serving()),
        "progressing_starting": without_pods(),
        "progressing_crashing": without_pods(pods=(gateway_crashing,)),
        "progressing_newRevision": _changed(serving()),
        "progressing_firstIndex": first_index,
        "progressing_emptyIndex": serving(runtime=report(chunks=0)),
        "progressing_migration": serving(runtime=report("schema")),
        "progressing_routePending": serving(ROUTE, apis=ALL_APIS),
        "progressing_silent": serving(runtime=None, runtime_error="connection refused"),
        "degraded_classNotFound": serving({"classRef": {"name": "gold"}}),
        "degraded_modelNotFound": serving(endpoint=None),
        "degraded_secretNotFound": without_pods(pods=SECRET_MISSING),
        "degraded_imagePullFailed": without_pods(pods=(gateway_stuck,)),
        "degraded_modelUnreachable": serving(runtime=report("model")),
        "degraded_databaseUnreachable": serving(runtime=report("database")),
        "degraded_knowledgeOfALaptop": serving(bases=(_base(LAPTOP),)),
        "degraded_gatewayAPIMissing": serving(ROUTE),
        "degraded_newRevisionFails": _stuck(serving()),
        "suspended_scaledToZero": serving({"scaling": {"replicas": 0}}),
    }


def _agent(found: Snapshot, refused: tuple[WriteRefused, ...] = ()) -> Manifest:
    plan = Plan(found, SETTINGS)
    verdicts = (*checks.run(plan), *checks.refused(refused))
    return {**_stored(found.raw), "status": status_of(plan, verdicts, NOW)}


def _refused(found: Snapshot) -> Manifest:
    return _agent(found, (WriteRefused("exceeded quota: small", kind="Deployment", name="helpdesk-gateway"),))


def _paused(found: Snapshot) -> Manifest:
    return _agent(replace(found, raw=_annotated(found.raw)))


def _annotated(manifest: Manifest, **more: str) -> Manifest:
    return with_annotations(manifest, {ANNOTATION_PAUSED: "true", **more})


def with_annotations(manifest: Manifest, annotations: Mapping[str, str]) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": dict(annotations)}}


def _changed(found: Snapshot) -> Snapshot:
    """The agent that serves, with other instructions, which nothing runs yet."""
    wanted = snapshot({"template": {"instructions": {"inline": "Be brief."}}}).agent
    return replace(found, agent=wanted, raw=raw(wanted))


def _stuck(found: Snapshot) -> Snapshot:
    wanted = _changed(found)
    revision = Plan(wanted, SETTINGS).revision
    orchestrator = pod("helpdesk-orchestrator-1", "orchestrator", revision=revision, **waiting("ErrImagePull"))
    return replace(wanted, pods=(orchestrator,))


def _without_index_job(found: Snapshot) -> Snapshot:
    return replace(found, children={key: each for key, each in found.children.items() if "-knowledge-" not in key[1]})


# ModelEndpoint


def endpoints() -> States:
    made = partial(endpoint_snapshot, SERVED)
    crashing = pod("slm-model-1", "model", **CRASH)
    told = {
        "healthy_probed": endpoint_snapshot(OWN_SERVER, answered=True),
        "healthy_notAsked": endpoint_snapshot(OWN_SERVER),
        "healthy_served": made(children={("Deployment", "slm-model"): {"status": ready()}}),
        "progressing_loading": made(),
        "degraded_unreachable": endpoint_snapshot(OWN_SERVER, answered=False, detail="connection refused"),
        "degraded_modelFailed": made(pods=(crashing,)),
    }
    return _companions({name: _endpoint(found) for name, found in told.items()}, "healthy_probed")


def _endpoint(found: EndpointSnapshot) -> Manifest:
    return {**_stored(found.raw), "status": companion_status_of(found, checks.run_endpoint(found), NOW)}


# KnowledgeBase


def bases() -> States:
    told = {
        "healthy_indexed": _indexed_by(serving()),
        "healthy_usedByNobody": _base_status(BaseSnapshot(_base(BASE), raw(_base(BASE)))),
        "progressing_indexing": _indexed_by(_without_index_job(serving())),
        "degraded_indexingFailed": _indexed_by(serving(runtime=replace(report("knowledge"), knowledge=()))),
        "degraded_pathOfALaptop": _base_status(BaseSnapshot(_base(LAPTOP), raw(_base(LAPTOP)))),
    }
    return _companions(told, "healthy_indexed")


def _base(spec: Manifest) -> KnowledgeBase:
    return parse(KnowledgeBase, document("KnowledgeBase", "handbook", spec))


def _indexed_by(found: Snapshot) -> Manifest:
    agent = _agent(found)
    return _base_status(BaseSnapshot(_base(BASE), raw(_base(BASE)), agents=(agent,)))


def _base_status(found: BaseSnapshot) -> Manifest:
    return {**_stored(found.raw), "status": companion_status_of(found, checks.run_base(found), NOW)}


# Of every kind


def _companions(told: States, healthy: str) -> States:
    return {
        **told,
        "progressing_notReported": {key: each for key, each in told[healthy].items() if key != "status"},
        "progressing_oldObservedGeneration": _changed_since(told[healthy]),
        "degraded_invalidSpec": _unusable(told[healthy], Reason.INVALID_SPEC, "spec: is not what the contract says"),
    }


def _stored(manifest: Manifest) -> Manifest:
    """With the version that the API server gives each object; a specification without what it says by default."""
    metadata = {key: each for key, each in manifest["metadata"].items() if each} | {"resourceVersion": "7001"}
    named = {"metadata": {"name": manifest["metadata"]["name"]}, "spec": manifest["spec"]}
    written = KINDS[manifest["kind"]].model_validate_json(json.dumps(named))
    spec = written.model_dump(mode="json", by_alias=True, exclude_defaults=True)["spec"]
    return {**manifest, "metadata": metadata, "spec": spec}


def _changed_since(manifest: Manifest) -> Manifest:
    metadata = {**manifest["metadata"], "generation": manifest["metadata"]["generation"] + 1}
    return {**manifest, "metadata": metadata}


def _unusable(manifest: Manifest, reason: Reason, sentence: str) -> Manifest:
    return {**_stored(manifest), "status": unusable_status_of(manifest, reason, sentence, NOW)}


# What actions make of an object


def acted() -> Mapping[str, States]:
    """By kind: what people did, before and after."""
    agent, base = _stored(serving().raw), _stored(raw(_base(BASE)))
    other = {"team": "support"}
    return {
        "SupportAgent": {
            "paused": _annotated(agent),
            "paused_withAnother": _annotated(agent, **other),
            "resumed_withAnother": with_annotations(agent, other),
            "handoffOnly": {**agent, "spec": {**agent["spec"], "mode": "HandoffOnly"}},
            "auto": {**agent, "spec": {**agent["spec"], "mode": "Auto"}},
        },
        "KnowledgeBase": {
            "read_again": _asked_for(base, "7001"),
            "read_again_later": _asked_for(base, "7001", now="7002"),
            "read_again_twice": _asked_for(base, "7002", now="7002"),
        },
    }


def _asked_for(base: Manifest, version: str, *, now: str = "7001") -> Manifest:
    """version: of the object when somebody asked for it to be read again. now: its version now."""
    asked = with_annotations(base, {ANNOTATION_READ_AGAIN: f"version {version}"})
    return {**asked, "metadata": {**asked["metadata"], "resourceVersion": now}}


# As files


def files() -> Mapping[Path, str]:
    """Path -> text, of every state and of every action."""
    of_health = {Path(kind, "testdata", name): each for kind, found in states().items() for name, each in found.items()}
    of_actions = {
        Path(kind, "actions/testdata", name): each for kind, found in acted().items() for name, each in found.items()
    }
    return {
        CUSTOMIZATIONS / f"{path}.yaml": _numbered(dumped(manifest))
        for path, manifest in (of_health | of_actions).items()
    }


def _numbered(text: str) -> str:
    """With numbers in place of digests, which every change of what the operator renders would change."""
    digests = list(dict.fromkeys(DIGEST.findall(text)))
    return DIGEST.sub(lambda found: f"{digests.index(found[0]) + 1:010}", text)


def dumped(value: Any) -> str:
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.width = 4096
    stream = io.StringIO()
    writer.dump(value, stream)
    return stream.getvalue()


def main() -> None:
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
