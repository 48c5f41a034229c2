"""What a status says when the operator cannot know, on a real API server: objects of a newer contract, silent parts."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from support.eventually import eventually
from support.kubernetes.agent_space import APPS, VERSION, Space, agent
from support.kubernetes.cluster import Cluster
from support.operator.process import Operator

pytestmark = pytest.mark.slow
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@contextmanager
def newer_contract(cluster: Cluster, plural: str) -> Iterator[None]:
    """The CRD of a later release: a template may name a reranker, a mode more; an endpoint may have a region."""
    path = f"{CRDS}/{plural}.supportplane.io"
    before = cluster.ask("GET", path).body
    newer = copy.deepcopy(before)
    fields = newer["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    if plural == "supportagents":
        fields["template"]["properties"]["reranker"] = {"type": "string"}
        fields["mode"]["enum"].append("Assist")
    else:
        fields["region"] = {"type": "string"}
    assert cluster.ask("PUT", path, newer).status == 200
    try:
        yield
    finally:
        current = cluster.ask("GET", path).body
        restored = {**before, "metadata": {**before["metadata"], **_version(current)}}
        assert cluster.ask("PUT", path, restored).status == 200


def _version(stored: dict[str, Any]) -> dict[str, str]:
    return {"resourceVersion": stored["metadata"]["resourceVersion"]}


def store(space: Space, name: str, change: dict[str, Any], plural: str = "supportagents") -> None:
    """As soon as the API server has the newer schema in use."""

    def is_kept() -> bool:
        reply = space.cluster.ask("PATCH", space.path(plural, name), {"spec": change}, patch="merge")
        return bool(reply.status == 200 and _is_within({"spec": change}, reply.body))

    eventually(is_kept, f"the API server stores {change}")


def refusal(space: Space, name: str, change: dict[str, Any]) -> dict[str, dict[str, Any]] | None:
    """The conditions, once Accepted is false. A request that was under way while the schema changed takes the field
    away again.
    """
    store(space, name, change)
    found = space.conditions(name)
    return found if found["Accepted"]["status"] == "False" else None


def unread_model(space: Space, name: str, change: dict[str, Any]) -> dict[str, dict[str, Any]] | None:
    """The conditions, once the agent says that it cannot read its endpoint; stored again for the same reason."""
    store(space, "slm", change, "modelendpoints")
    found = space.conditions(name)
    return found if found["ResolvedRefs"]["reason"] == "UnsupportedFeature" else None


def _is_within(wanted: Any, stored: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(stored, dict) and all(_is_within(value, stored.get(key)) for key, value in wanted.items())
    return bool(wanted == stored)


@pytest.mark.parametrize(
    ("change", "path"),
    [({"template": {"reranker": "cross"}}, "spec.template.reranker"), ({"mode": "Assist"}, "spec.mode")],
)
def test_what_a_newer_contract_wrote_is_named_and_what_serves_goes_on(
    space: Space, operator: Operator, change: dict[str, Any], path: str
) -> None:
    name = space.run(agent())
    space.wait_ready(name)
    before = {key: each["metadata"]["uid"] for key, each in space.children().items()}
    with newer_contract(space.cluster, "supportagents"):
        found = eventually(partial(refusal, space, name, change), "the operator says what it does not know")
        assert found["Accepted"]["message"].startswith(f"{path}: unknown ")
        assert found["Ready"]["reason"] == "UnsupportedFeature"
        assert {key: each["metadata"]["uid"] for key, each in space.children().items()} == before
        space.delete(name)
        eventually(lambda: space.cluster.read(space.path("supportagents", name)) is None, "it can still be deleted")


def test_a_companion_of_a_newer_contract_is_not_missing(space: Space, operator: Operator) -> None:
    name = space.run(agent())
    space.wait_ready(name)
    with newer_contract(space.cluster, "modelendpoints"):
        found = eventually(partial(unread_model, space, name, {"region": "eu"}), "the agent says what it cannot read")
        assert found["ResolvedRefs"]["status"] == "False"
        assert found["ResolvedRefs"]["message"].startswith("ModelEndpoint slm: spec.region: unknown field")
        assert found["ModelReady"]["status"] == "Unknown"
        assert f"deployments/{name}-gateway" in space.children()
        store(space, "slm", {"region": None}, "modelendpoints")
        space.wait_ready(name)


def test_a_part_that_nobody_could_ask_is_unknown_and_named(
    space: Space, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = space.gateway.answer
    key = f"{space.namespace}/helpdesk"

    def untold(agent: str) -> dict[str, Any]:
        whole = told(agent)
        parts = [
            {**part, "ok": None, "required": False, "detail": "Not known: no orchestrator answers"}
            if agent == key and part["name"] == "model"
            else part
            for part in whole["components"]
        ]
        return {**whole, "components": parts}

    monkeypatch.setattr(space.gateway, "answer", untold)
    name = space.run(agent())
    said = eventually(partial(condition_with, space, name, "ModelReady", "no orchestrator"), "the gateway's word")
    assert "helpdesk-orchestrator" in said["message"]
    assert said["status"] == "Unknown"
    eventually(lambda: space.condition(name, "Ready").get("status") == "Unknown", "Ready is not known either")
    monkeypatch.undo()
    space.wait_ready(name, deadline_s=90)


def condition_with(space: Space, name: str, kind: str, words: str) -> dict[str, Any] | None:
    found = space.condition(name, kind)
    return found if words in found.get("message", "") else None


# Objects of somebody else, and people who meddle


@pytest.mark.parametrize(
    ("plural", "name", "content"),
    [
        ("serviceaccounts", "helpdesk-gateway", {}),
        ("configmaps", "helpdesk-dashboard", {"data": {"theirs": "yes"}}),
    ],
)
def test_what_would_be_merged_without_a_conflict_is_not_taken_over(
    space: Space, operator: Operator, plural: str, name: str, content: dict[str, Any]
) -> None:
    theirs = space.cluster.create(space.path(plural, group="/api/v1"), {"metadata": {"name": name}, **content})
    space.run(agent())
    found = space.wait_condition("helpdesk", "Progressing", "False", "ApplyFailed")
    assert name in found["message"]
    assert space.read(name, plural, "/api/v1") == theirs
    space.delete("helpdesk")
    eventually(lambda: space.cluster.read(space.path("supportagents", "helpdesk")) is None, "the agent is gone")
    assert space.read(name, plural, "/api/v1") == theirs


def test_no_pod_runs_as_an_account_of_somebody_else(space: Space, operator: Operator) -> None:
    space.cluster.create(space.path("serviceaccounts", group="/api/v1"), {"metadata": {"name": "helpdesk-gateway"}})
    space.run(agent())
    eventually(lambda: "services/helpdesk-gateway" in space.children(), "the rest is made")
    space.wait_condition("helpdesk", "Progressing", "False", "ApplyFailed")
    assert "deployments/helpdesk-gateway" not in space.children()
    space.delete("helpdesk-gateway", "serviceaccounts", "/api/v1")
    space.wait_ready("helpdesk", deadline_s=90)


def test_the_revision_that_serves_is_kept_as_it_was_made_during_a_rollout(space: Space, operator: Operator) -> None:
    name = space.run(agent())
    space.wait_ready(name)
    old = space.read(name)["status"]["revision"]
    deployment = f"{name}-orchestrator-{old}"
    before = space.read(deployment, "deployments", APPS)["spec"]["template"]
    unschedulable = {"orchestrator": {"nodeSelector": {"acme.example/disk": "none"}}}
    space.patch(name, {"spec": {"template": {"instructions": {"inline": "Be brief."}}, "workloads": unschedulable}})
    eventually(lambda: space.read(name)["status"]["updateRevision"] != old, "a rollout")
    meddled = copy.deepcopy(before)
    meddled["spec"]["containers"][0]["image"] = "registry.example/other:2"
    space.patch(deployment, {"spec": {"template": meddled}}, "deployments", APPS)
    eventually(lambda: space.read(deployment, "deployments", APPS)["spec"]["template"] == before, "it is as it was")
    assert space.read(name)["status"]["revision"] == old


def test_documents_are_read_again_when_somebody_asks(space: Space, operator: Operator) -> None:
    base = {
        "apiVersion": VERSION,
        "kind": "KnowledgeBase",
        "metadata": {"name": "handbook"},
        "spec": {"sources": [{"name": "docs", "volumeClaim": {"name": "articles"}}]},
    }
    space.create(base, "knowledgebases")
    manifest = agent()
    manifest["spec"]["template"]["knowledge"] = [{"name": "handbook"}]
    space.run(manifest)
    first = eventually(partial(knowledge_job, space), "a job that reads the documents")
    space.patch("handbook", {"metadata": {"annotations": {"supportplane.io/read-again": "now"}}}, "knowledgebases")
    eventually(lambda: knowledge_job(space) not in {None, first}, "another job")


def knowledge_job(space: Space) -> str | None:
    """The only one there is; None while there is none or while one takes the place of another."""
    jobs = [key for key in space.children() if key.startswith("jobs/helpdesk-knowledge-")]
    return jobs[0] if len(jobs) == 1 else None


def test_the_operators_metrics_count_who_is_ready_and_why_others_are_not(space: Space, operator: Operator) -> None:
    def counted(ready: str, reason: str) -> float:
        return operator.metric("supportplane_operator_objects", kind="SupportAgent", ready=ready, reason=reason)

    name = space.run(agent())
    space.wait_ready(name)
    eventually(lambda: counted("True", "Serving") >= 1, "an agent that is Ready is counted")
    space.patch(name, {"spec": {"scaling": {"replicas": 0}}})
    eventually(lambda: counted("False", "ScaledToZero") == 1, "an agent that was switched off is counted")
    space.delete(name)
    eventually(lambda: counted("False", "ScaledToZero") == 0, "an agent that is gone is counted no more")
