import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from support.operator.samples import SETTINGS, applied, endpoint_snapshot, ready, snapshot
from supportplane_crds import CompanionStatus, ConditionType, Reason, SupportAgentStatus
from supportplane_crds.runtime_status import KnowledgeCount, Part, RuntimeStatus
from supportplane_operator import checks
from supportplane_operator.conditions import (
    HOLDS,
    UNKNOWN,
    Verdict,
    companion_status_of,
    conditions_of,
    is_only_numbers,
    status_of,
    unusable_status_of,
)
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import (
    BaseSnapshot,
    Manifest,
    Snapshot,
)

NOW = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
PROBED = Verdict(HOLDS, ConditionType.MODEL_READY, Reason.PROBED, "it answers")


def test_a_condition_is_written_as_kubernetes_writes_them() -> None:
    assert conditions_of([PROBED], previous=[], generation=3, now=NOW) == [
        {
            "type": "ModelReady",
            "status": "True",
            "reason": "Probed",
            "message": "it answers",
            "observedGeneration": 3,
            "lastTransitionTime": "2026-11-27T08:00:00Z",
        }
    ]


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    before = conditions_of([PROBED], previous=[], generation=3, now=NOW)
    reworded = replace(PROBED, message="it still answers")
    (same,) = conditions_of([reworded], previous=before, generation=4, now=LATER)
    (other,) = conditions_of([replace(PROBED, ok=UNKNOWN)], previous=before, generation=4, now=LATER)
    assert (same["lastTransitionTime"], same["message"]) == ("2026-11-27T08:00:00Z", "it still answers")
    assert (other["lastTransitionTime"], other["status"]) == ("2026-11-27T08:05:00Z", "Unknown")


def test_conditions_come_in_one_order_and_the_later_verdict_of_a_type_counts() -> None:
    accepted = Verdict(HOLDS, ConditionType.ACCEPTED, Reason.VALID, "valid")
    found = conditions_of([PROBED, accepted, replace(PROBED, ok=UNKNOWN)], previous=[], generation=1, now=NOW)
    assert [(each["type"], each["status"]) for each in found] == [("Accepted", "True"), ("ModelReady", "Unknown")]


def runtime(*parts: Part, documents: int | None = None) -> RuntimeStatus:
    counts = () if documents is None else (KnowledgeCount("handbook", documents, 340),)
    return RuntimeStatus(version="0.1.0", revision="r", mode="Auto", components=parts, knowledge=counts)


def report(documents: int = 12) -> RuntimeStatus:
    cache = Part("cache", ok=False, required=False, detail="connection refused")
    return runtime(cache, documents=documents)


def status(found: Snapshot, now: datetime = NOW) -> Manifest:
    plan = Plan(found, SETTINGS)
    return status_of(plan, checks.run(plan), now)


def test_a_status_is_counted_from_children_and_from_what_the_runtime_says() -> None:
    revision = Plan(snapshot(), SETTINGS).revision
    gateway = {**ready(), "readyReplicas": 1}
    found = replace(applied(snapshot(), status={"helpdesk-gateway": gateway}), runtime=report())
    shown = status(found)
    conditions = shown.pop("conditions")
    components = {f"{each['kind']} {each['name']}": each for each in shown.pop("components")}
    assert shown == {
        "observedGeneration": 3,
        "replicas": 2,
        "readyReplicas": 1,
        "selector": "supportplane.io/agent=helpdesk,app.kubernetes.io/component=gateway",
        "revision": revision,
        "updateRevision": revision,
        "url": "http://helpdesk-gateway.acme.svc",
        "knowledge": [{"name": "handbook", "documents": 12, "chunks": 340, "skipped": 0}],
    }
    assert components["Deployment helpdesk-gateway"]["message"] == "1 of 2 pods are ready"
    assert components["Dependency cache"] == {
        "kind": "Dependency",
        "name": "cache",
        "ready": False,
        "message": "connection refused",
    }
    assert {each["type"] for each in conditions} == {str(each) for each in ConditionType}


def test_a_status_satisfies_the_contract() -> None:
    found = replace(applied(snapshot()), runtime=report())
    assert SupportAgentStatus.model_validate_json(_json(status(found)))
    told = companion_status_of(endpoint_snapshot({"embedded": {}}), (PROBED,), NOW)
    assert CompanionStatus.model_validate_json(_json(told))


def _json(value: Manifest) -> str:
    return json.dumps(value)


def test_what_a_pod_says_of_itself_never_makes_a_status_that_the_api_server_refuses() -> None:
    chatty = Part("database", ok=False, required=True, detail="x" * 300_000)
    shown = status(replace(applied(snapshot()), runtime=runtime(chatty)))
    assert SupportAgentStatus.model_validate_json(_json(shown))


def test_a_part_that_nobody_could_ask_is_not_listed_as_failing() -> None:
    model = Part("model", ok=None, required=False, detail="Not known")
    shown = status(replace(applied(snapshot()), runtime=runtime(model)))
    assert "model" not in [each["name"] for each in shown["components"]]


def test_the_same_snapshot_has_the_same_status_later() -> None:
    found = applied(snapshot())
    first = status(found)
    again = replace(found, raw={**found.raw, "status": first})
    assert status(again, LATER) == first


def test_counts_can_wait_and_decisions_cannot() -> None:
    found = replace(applied(snapshot()), runtime=report())
    before = status(found)
    counted = status(replace(found, runtime=report(documents=13)))
    away = status(replace(found, runtime=None))
    assert counted != before
    assert is_only_numbers(before, counted)
    assert not is_only_numbers(before, away)


def test_while_the_runtime_is_silent_the_last_counts_stay() -> None:
    found = replace(applied(snapshot()), runtime=report())
    silent = replace(found, runtime=None, raw={**found.raw, "status": status(found)})
    assert status(silent)["knowledge"] == [{"name": "handbook", "documents": 12, "chunks": 340, "skipped": 0}]


def test_the_address_is_the_first_host_name_where_there_is_one() -> None:
    tls = {"ingress": {"className": "nginx", "tlsSecretRef": {"name": "t"}}, "hostnames": ["a.example", "b.example"]}
    plain = {"ingress": {"className": "nginx"}, "hostnames": ["a.example"]}
    assert status(snapshot({"gateway": tls}))["url"] == "https://a.example"
    assert status(snapshot({"gateway": plain}))["url"] == "http://a.example"


@pytest.mark.parametrize("reason", [Reason.INVALID_SPEC, Reason.UNSUPPORTED_FEATURE])
def test_an_object_that_cannot_be_read_says_so_and_keeps_the_rest(reason: Reason) -> None:
    found = applied(snapshot())
    old = status(found)
    shown = unusable_status_of({**found.raw, "status": old}, reason, "spec.mode: is unknown", LATER)
    told = {each["type"]: (each["status"], each["reason"]) for each in shown["conditions"]}
    assert told["Accepted"] == told["Ready"] == ("False", reason)
    assert told["Stalled"] == ("True", reason)
    assert all("spec.mode: is unknown" in each["message"] for each in shown["conditions"] if each["reason"] == reason)
    assert told["ResolvedRefs"] == ("True", "AllResolved")
    assert shown["revision"] == old["revision"]
    again = unusable_status_of({**found.raw, "status": shown}, reason, "spec.mode: is unknown", LATER)
    assert again == shown
    assert [each["type"] for each in shown["conditions"]] == [each["type"] for each in old["conditions"]]


# Companions


def test_a_model_server_is_ready_when_a_pod_is() -> None:
    serving = endpoint_snapshot({"embedded": {}})
    (loading,) = checks.run_endpoint(serving)
    up = replace(serving, children={("Deployment", "slm-model"): {"status": {"availableReplicas": 1}}})
    (probed,) = checks.run_endpoint(up)
    assert (loading.ok, loading.reason) == (False, Reason.LOADING)
    assert (probed.ok, probed.reason) == (True, Reason.PROBED)


def test_a_server_of_somebody_elses_is_what_a_probe_says() -> None:
    found = endpoint_snapshot({"url": "https://models.example.com/v1", "model": "m"})
    told = [checks.run_endpoint(replace(found, answered=each))[0] for each in (None, True, False)]
    assert [each.ok for each in told] == [None, True, False]
    assert told[2].message == "https://models.example.com/v1: no answer; check url and credentials"


def test_a_knowledge_base_is_what_the_agents_that_use_it_say() -> None:
    (base,) = snapshot().bases
    ready_agent = {"metadata": {"name": "a"}, "status": {"conditions": [_knowledge("True", "Indexed")]}}
    other = {"metadata": {"name": "b"}, "status": {"conditions": [_knowledge("False", "IndexingFailed")]}}
    told = [
        checks.run_base(BaseSnapshot(base, {"metadata": {}}, agents))[0]
        for agents in ((), (ready_agent,), (ready_agent, other), ({"metadata": {"name": "c"}},))
    ]
    assert [(each.ok, each.reason) for each in told] == [
        (None, Reason.INDEXING),
        (True, Reason.INDEXED),
        (False, Reason.INDEXING_FAILED),
        (None, Reason.INDEXING),
    ]
    assert told[2].message == "SupportAgent b: words"


def _knowledge(word: str, reason: str) -> Manifest:
    return {"type": "KnowledgeReady", "status": word, "reason": reason, "message": "words"}
