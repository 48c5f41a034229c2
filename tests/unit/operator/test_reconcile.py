"""An agent brought to what it should be, and kept there, on an API server in memory."""

from typing import Any

import pytest

from support.operator.in_memory import AGENT_KEY, NAMESPACE, OperatorInMemory
from support.operator.samples import document
from supportplane_crds.load import KINDS
from supportplane_crds.names import FINALIZER, LABEL_AGENT
from supportplane_crds.structural import custom_resource_definition
from supportplane_operator.cache import Key

WEAVIATE: dict[str, Any] = {"persistence": {"vectorStore": {"weaviate": {"managed": {}}}}}
CACHE: dict[str, Any] = {"persistence": {"cache": {"managed": {}, "secretRef": None}}}


async def settled(operator: OperatorInMemory) -> None:
    """Reconciled until nothing is left to write."""
    for _ in range(5):
        before = operator.version
        await operator.reconcile()
        if operator.version == before:
            return
    raise AssertionError("five reconciles, and the fifth still wrote something")


async def test_an_agent_becomes_its_children_and_says_so(operator: OperatorInMemory) -> None:
    agent = operator.run()
    outcome = await operator.reconcile()
    assert outcome.changed
    kinds = {kind for kind, _ in operator.children}
    assert {"Deployment", "Service", "ServiceAccount", "ConfigMap", "NetworkPolicy", "Job"} <= kinds
    for child in operator.children.values():
        assert child["metadata"]["labels"][LABEL_AGENT] == "helpdesk"
        assert [each["uid"] for each in child["metadata"]["ownerReferences"]] == [agent["metadata"]["uid"]]
    found = operator.read("SupportAgent", "helpdesk") or {}
    assert found["metadata"]["finalizers"] == [FINALIZER]
    assert found["status"]["observedGeneration"] == 1
    assert operator.condition("Ready")["status"] != "True"


async def test_the_first_status_speaks_of_what_was_just_made(operator: OperatorInMemory) -> None:
    operator.run()
    await operator.reconcile()
    first = (operator.read("SupportAgent", "helpdesk") or {})["status"]
    await operator.reconcile()
    assert (operator.read("SupportAgent", "helpdesk") or {})["status"] == first


async def test_a_second_reconcile_writes_nothing(operator: OperatorInMemory) -> None:
    operator.run(**WEAVIATE)
    await settled(operator)
    before = operator.version
    operator.server.asked.clear()
    outcome = await operator.reconcile()
    assert (operator.version, outcome.changed) == (before, False)
    assert [each for each in operator.server.asked if not each.startswith("GET")] == []


@pytest.mark.parametrize("what", ["deleted", "edited"])
async def test_every_child_that_drifted_is_put_back(operator: OperatorInMemory, what: str) -> None:
    operator.run(**WEAVIATE)
    await settled(operator)
    before = operator.children
    for kind, name in before:
        if what == "deleted":
            operator.delete(kind, name)
        else:
            operator.patch(kind, name, {"metadata": {"labels": {"app.kubernetes.io/component": "meddled"}}})
    await settled(operator)
    after = operator.children
    assert after.keys() == before.keys()
    for key, child in after.items():
        assert child["metadata"]["labels"] == before[key]["metadata"]["labels"]
        is_same = child["metadata"]["uid"] == before[key]["metadata"]["uid"]
        assert is_same is (what == "edited")


async def test_a_value_that_somebody_changed_in_a_pod_is_put_back(operator: OperatorInMemory) -> None:
    operator.run()
    await settled(operator)
    name = "helpdesk-gateway"
    containers = pods(operator, name)["containers"]
    operator.patch(
        "Deployment", name, {"spec": {"template": {"spec": {"containers": [{**containers[0], "image": "evil:1"}]}}}}
    )
    await settled(operator)
    assert pods(operator, name)["containers"] == containers


async def test_what_the_agent_no_longer_has_is_deleted(operator: OperatorInMemory) -> None:
    operator.run(**CACHE)
    await settled(operator)
    before = operator.children.keys()
    cache = {"persistence": {"cache": {"managed": None, "secretRef": {"name": "redis"}}}}
    operator.patch("SupportAgent", "helpdesk", {"spec": cache})
    await settled(operator)
    gone = before - operator.children.keys()
    assert {("Deployment", "helpdesk-cache"), ("Service", "helpdesk-cache")} <= gone
    assert ("Deployment", "helpdesk-gateway") in operator.children


async def test_an_object_of_somebody_else_is_not_taken_over_and_the_rest_is_made(operator: OperatorInMemory) -> None:
    theirs = operator.create(foreign_service())
    operator.run()
    outcome = await operator.reconcile()
    assert outcome.refused
    assert operator.read("Service", "helpdesk-gateway") == theirs
    assert ("Deployment", "helpdesk-gateway") in operator.children
    found = operator.condition("Progressing")
    assert (found["status"], found["reason"]) == ("False", "ApplyFailed")
    assert "helpdesk-gateway" in found["message"]


async def test_it_goes_on_when_the_object_of_somebody_else_is_gone(operator: OperatorInMemory) -> None:
    operator.create(foreign_service())
    operator.run()
    await operator.reconcile()
    operator.delete("Service", "helpdesk-gateway")
    outcome = await operator.reconcile()
    assert not outcome.refused
    assert ("Service", "helpdesk-gateway") in operator.children
    assert operator.condition("Progressing")["reason"] != "ApplyFailed"


async def test_a_missing_reference_keeps_the_children_and_is_named(operator: OperatorInMemory) -> None:
    operator.run()
    await settled(operator)
    before = operator.children
    operator.delete("ModelEndpoint", "slm")
    operator.patch("SupportAgent", "helpdesk", {"spec": {"template": {"instructions": {"inline": "Be brief."}}}})
    await settled(operator)
    assert operator.children == before
    found = operator.condition("Ready")
    assert (found["status"], found["reason"]) == ("False", "ModelNotFound")
    assert "slm" in found["message"]


async def test_an_agent_without_its_model_is_made_when_the_model_comes(operator: OperatorInMemory) -> None:
    operator.run()
    operator.delete("ModelEndpoint", "slm")
    await operator.reconcile()
    assert operator.children == {}
    operator.create(document("ModelEndpoint", "slm", {"embedded": {}}))
    await operator.reconcile()
    assert ("Deployment", "helpdesk-gateway") in operator.children


async def test_a_paused_agent_is_left_alone(operator: OperatorInMemory) -> None:
    operator.run()
    await settled(operator)
    operator.patch("SupportAgent", "helpdesk", {"metadata": {"annotations": {"supportplane.io/paused": "true"}}})
    operator.delete("Service", "helpdesk-gateway")
    await settled(operator)
    assert operator.read("Service", "helpdesk-gateway") is None
    assert operator.condition("Progressing")["reason"] == "Paused"
    operator.patch("SupportAgent", "helpdesk", {"metadata": {"annotations": None}})
    await settled(operator)
    assert operator.read("Service", "helpdesk-gateway") is not None


async def test_the_new_revision_takes_over_when_its_pods_are_there(operator: OperatorInMemory) -> None:
    operator.run()
    await settled(operator)
    report_pods(operator)
    await settled(operator)
    (first,) = orchestrators(operator)
    operator.patch("SupportAgent", "helpdesk", {"spec": {"template": {"instructions": {"inline": "Be brief."}}}})
    await settled(operator)
    assert len(orchestrators(operator)) == 2
    report_pods(operator)
    await settled(operator)
    (second,) = orchestrators(operator)
    assert second != first
    status = (operator.read("SupportAgent", "helpdesk") or {})["status"]
    assert second.endswith(status["revision"])


@pytest.mark.parametrize("policy", ["Delete", "Keep"])
async def test_a_deleted_agent_takes_its_children_along_but_for_kept_data(
    operator: OperatorInMemory, policy: str
) -> None:
    operator.run(persistence={**WEAVIATE["persistence"], "deletionPolicy": policy})
    await settled(operator)
    operator.delete("SupportAgent", "helpdesk")
    assert operator.read("SupportAgent", "helpdesk") is not None
    await operator.reconcile()
    assert operator.read("SupportAgent", "helpdesk") is None
    left = {("StatefulSet", "helpdesk-weaviate")} if policy == "Keep" else set()
    assert operator.children.keys() == left


async def test_a_finalizer_of_somebody_else_keeps_the_agent(operator: OperatorInMemory) -> None:
    operator.run()
    await settled(operator)
    operator.patch("SupportAgent", "helpdesk", {"metadata": {"finalizers": [FINALIZER, "example.com/hold"]}})
    operator.delete("SupportAgent", "helpdesk")
    await operator.reconcile()
    found = operator.read("SupportAgent", "helpdesk") or {}
    assert found["metadata"]["finalizers"] == ["example.com/hold"]
    assert ("Deployment", "helpdesk-gateway") in operator.children


async def test_an_agent_of_a_newer_contract_is_told_so_and_left_as_it_is(operator: OperatorInMemory) -> None:
    operator.run()
    await settled(operator)
    before = operator.children
    operator.server.objects.define(newer_definition("SupportAgent"))
    operator.patch("SupportAgent", "helpdesk", {"spec": {"canary": {"weight": 10}}})
    outcome = await operator.reconcile()
    assert outcome.refused
    assert operator.children == before
    found = operator.condition("Ready")
    assert (found["status"], found["reason"]) == ("False", "UnsupportedFeature")
    assert "canary" in found["message"]


async def test_an_embedded_model_becomes_a_deployment_of_its_endpoint(operator: OperatorInMemory) -> None:
    operator.create(document("ModelEndpoint", "small", {"embedded": {}}))
    key = Key("ModelEndpoint", NAMESPACE, "small")
    await operator.reconcile(key)
    kinds = {kind for kind, _ in operator.children}
    assert {"Deployment", "Service"} <= kinds
    operator.delete("ModelEndpoint", "small")
    assert operator.children == {}


async def test_a_knowledge_base_says_who_has_not_read_it_yet(operator: OperatorInMemory) -> None:
    operator.run()
    key = Key("KnowledgeBase", NAMESPACE, "handbook")
    await operator.reconcile(key)
    assert "has not reported yet" in operator.condition("Ready", key)["message"]
    base = operator.read("KnowledgeBase", "handbook") or {}
    assert base["status"]["observedGeneration"] == base["metadata"]["generation"]


async def test_an_agent_that_is_gone_is_forgotten(operator: OperatorInMemory) -> None:
    operator.run()
    await operator.reconcile()
    operator.patch("SupportAgent", "helpdesk", {"metadata": {"finalizers": None}})
    operator.delete("SupportAgent", "helpdesk")
    outcome = await operator.reconcile()
    assert not outcome.changed
    assert operator.children == {}
    assert operator.cache.get(AGENT_KEY) is None


def foreign_service() -> dict[str, Any]:
    spec = {"ports": [{"name": "http", "port": 9}], "selector": {"a": "b"}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "helpdesk-gateway"}, "spec": spec}


def newer_definition(kind: str) -> dict[str, Any]:
    """The kind as a later release could define it: with fields that this one does not know."""
    found = custom_resource_definition(KINDS[kind])
    (version,) = found["spec"]["versions"]
    version["schema"]["openAPIV3Schema"]["properties"]["spec"]["x-kubernetes-preserve-unknown-fields"] = True
    return found


def pods(operator: OperatorInMemory, deployment: str) -> dict[str, Any]:
    found: dict[str, Any] = operator.children["Deployment", deployment]["spec"]["template"]["spec"]
    return found


def orchestrators(operator: OperatorInMemory) -> list[str]:
    return sorted(name for kind, name in operator.children if kind == "Deployment" and "-orchestrator-" in name)


def report_pods(operator: OperatorInMemory) -> None:
    """What Kubernetes' controllers say of every Deployment and Job once all is well."""
    for (kind, name), found in operator.children.items():
        if kind == "Deployment":
            count = found["spec"].get("replicas", 1)
            kinds = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
            status = {"observedGeneration": found["metadata"]["generation"], **dict.fromkeys(kinds, count)}
            operator.patch(kind, name, {"status": status}, at="status")
        elif kind == "Job":
            moment = "2026-01-01T00:00:00Z"
            done = {"type": "Complete", "status": "True", "lastTransitionTime": moment, "lastProbeTime": moment}
            operator.patch(kind, name, {"status": {"succeeded": 1, "conditions": [done]}}, at="status")
