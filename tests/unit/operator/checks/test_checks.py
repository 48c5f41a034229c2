from dataclasses import replace
from typing import Any

import pytest

from support.operator.samples import ALL_APIS, SETTINGS, pod, snapshot, waiting
from support.operator.situations import CRASH, SECRET_MISSING, report, serving, without_pods
from supportplane_crds import ConditionType, Reason
from supportplane_crds.runtime_status import KnowledgeCount, RuntimeStatus
from supportplane_operator import checks
from supportplane_operator.conditions import Impact, Verdict, summarised
from supportplane_operator.errors import WriteRefused
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest, Snapshot, Unread


def verdicts(found: Snapshot) -> dict[str, Verdict]:
    return {each.type: each for each in summarised(checks.run(Plan(found, SETTINGS)))}


def told(found: Snapshot, kind: ConditionType) -> tuple[bool | None, Reason]:
    verdict = verdicts(found)[kind]
    return verdict.ok, verdict.reason


def test_an_agent_that_answers_is_ready_and_nothing_else() -> None:
    assert {kind: (each.ok, each.reason) for kind, each in verdicts(serving()).items()} == {
        "Accepted": (True, Reason.VALID),
        "ResolvedRefs": (True, Reason.ALL_RESOLVED),
        "ModelReady": (True, Reason.PROBED),
        "KnowledgeReady": (True, Reason.INDEXED),
        "PersistenceReady": (True, Reason.REACHABLE),
        "GatewayReady": (True, Reason.NOT_REQUESTED),
        "Available": (True, Reason.MINIMUM_PODS_READY),
        "Progressing": (False, Reason.REVISION_SERVING),
        "ScalingActive": (True, Reason.FIXED_REPLICAS),
        "Degraded": (False, Reason.AS_EXPECTED),
        "Ready": (True, Reason.SERVING),
        "Stalled": (False, Reason.AS_EXPECTED),
    }


def test_what_the_runtime_did_not_say_is_unknown_and_never_true() -> None:
    silent = serving(runtime=None, runtime_error="connection refused")
    found = verdicts(silent)
    for kind in (ConditionType.MODEL_READY, ConditionType.KNOWLEDGE_READY, ConditionType.PERSISTENCE_READY):
        assert (found[kind].ok, found[kind].reason) == (None, Reason.STATUS_UNREADABLE)
        assert found[kind].message == "Service helpdesk-gateway gave no status: connection refused"
    assert (found["Ready"].ok, found["Ready"].reason) == (None, Reason.STATUS_UNREADABLE)


PULL = (pod("helpdesk-gateway-1", "gateway", **waiting("ErrImagePull")),)
HANDOFF = {"mode": "HandoffOnly"}
PATH_BASE = {"sources": [{"name": "docs", "path": "docs"}]}
FAILING: dict[str, tuple[Snapshot, ConditionType, bool | None, Reason, Reason]] = {
    "no class": (
        serving({"classRef": {"name": "gold"}}),
        ConditionType.ACCEPTED, False, Reason.CLASS_NOT_FOUND, Reason.CLASS_NOT_FOUND,
    ),
    "no model": (
        serving(endpoint=None),
        ConditionType.RESOLVED_REFS, False, Reason.MODEL_NOT_FOUND, Reason.MODEL_NOT_FOUND,
    ),
    "no knowledge base": (
        serving(bases=()),
        ConditionType.RESOLVED_REFS, False, Reason.KNOWLEDGE_NOT_FOUND, Reason.KNOWLEDGE_NOT_FOUND,
    ),
    "an unreadable companion": (
        serving(unread=(Unread("ModelEndpoint", "slm", "spec.url: is wrong", is_newer=False),)),
        ConditionType.RESOLVED_REFS, False, Reason.INVALID_REFERENCE, Reason.INVALID_REFERENCE,
    ),
    "no Secret and no pods": (
        without_pods(pods=SECRET_MISSING),
        ConditionType.RESOLVED_REFS, False, Reason.SECRET_NOT_FOUND, Reason.SECRET_NOT_FOUND,
    ),
    "no image": (
        without_pods(pods=PULL),
        ConditionType.AVAILABLE, False, Reason.IMAGE_PULL_FAILED, Reason.IMAGE_PULL_FAILED,
    ),
    "no pods": (
        without_pods(),
        ConditionType.AVAILABLE, False, Reason.PODS_UNAVAILABLE, Reason.MIGRATION_PENDING,
    ),
    "scaled to zero": (
        serving({"scaling": {"replicas": 0}}),
        ConditionType.AVAILABLE, False, Reason.SCALED_TO_ZERO, Reason.SCALED_TO_ZERO,
    ),
    "no database named": (
        snapshot({"persistence": {"database": None}}),
        ConditionType.PERSISTENCE_READY, False, Reason.DATABASE_NOT_CONFIGURED, Reason.DATABASE_NOT_CONFIGURED,
    ),
    "no CloudNativePG": (
        serving({"persistence": {"database": {"secretRef": None, "cloudNativePG": {}}}}),
        ConditionType.PERSISTENCE_READY, False, Reason.CLOUD_NATIVE_PG_MISSING, Reason.CLOUD_NATIVE_PG_MISSING,
    ),
    "a database that is away": (
        serving(runtime=report("database")),
        ConditionType.PERSISTENCE_READY, False, Reason.DATABASE_UNREACHABLE, Reason.DATABASE_UNREACHABLE,
    ),
    "an old schema": (
        serving(runtime=report("schema")),
        ConditionType.PERSISTENCE_READY, False, Reason.MIGRATION_PENDING, Reason.MIGRATION_PENDING,
    ),
    "a migration that fails": (
        without_pods(pods=(pod("helpdesk-migrate-1", "migrate", **CRASH),)),
        ConditionType.PERSISTENCE_READY, False, Reason.MIGRATION_FAILED, Reason.MIGRATION_FAILED,
    ),
    "a model that is away": (
        serving(runtime=report("model")),
        ConditionType.MODEL_READY, False, Reason.MODEL_UNREACHABLE, Reason.MODEL_UNREACHABLE,
    ),
    "an empty index": (
        serving(runtime=report(chunks=0)),
        ConditionType.KNOWLEDGE_READY, False, Reason.INDEXING, Reason.INDEXING,
    ),
    "a refusing orchestrator": (
        serving(runtime=report("orchestrator")),
        ConditionType.DEGRADED, False, Reason.AS_EXPECTED, Reason.COMPONENT_FAILING,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("found", "kind", "ok", "reason", "summary"), FAILING.values(), ids=FAILING)
def test_what_keeps_customers_from_answers_is_the_reason_of_ready(
    found: Snapshot, kind: ConditionType, ok: bool | None, reason: Reason, summary: Reason
) -> None:
    assert told(found, kind) == (ok, reason)
    assert told(found, ConditionType.READY) == (False, summary)


DEGRADING: dict[str, tuple[Snapshot, ConditionType, Reason]] = {
    "a Secret that new pods miss": (serving(pods=SECRET_MISSING), ConditionType.RESOLVED_REFS, Reason.SECRET_NOT_FOUND),
    "a cache that is away": (
        serving(runtime=report("cache", optional=("cache",))),
        ConditionType.PERSISTENCE_READY,
        Reason.CACHE_UNREACHABLE,
    ),
    "KEDA that is missing": (
        serving({"scaling": {"autoscaling": {"provider": "KEDA", "maxReplicas": 4}}}),
        ConditionType.SCALING_ACTIVE,
        Reason.KEDA_MISSING,
    ),
    "documents that cannot be read again": (
        replace(
            serving(pods=(pod("helpdesk-knowledge-1", "knowledge", **CRASH),)),
            children={key: each for key, each in serving().children.items() if "-knowledge-" not in key[1]},
        ),
        ConditionType.KNOWLEDGE_READY,
        Reason.INDEXING_FAILED,
    ),
}


@pytest.mark.parametrize(("found", "kind", "reason"), DEGRADING.values(), ids=DEGRADING)
def test_trouble_that_leaves_it_answering_is_degraded(found: Snapshot, kind: ConditionType, reason: Reason) -> None:
    assert told(found, kind) == (False, reason)
    assert told(found, ConditionType.READY) == (True, Reason.SERVING)
    assert told(found, ConditionType.DEGRADED) == (True, reason)


def test_an_agent_that_answers_nothing_is_ready_without_model_and_documents() -> None:
    bare = serving(HANDOFF, endpoint=None, bases=(), runtime=report("model", "knowledge", chunks=0))
    found = verdicts(bare)
    assert (found["Ready"].ok, found["Degraded"].ok) == (True, False)
    assert found["ResolvedRefs"].reason is Reason.MODEL_NOT_FOUND
    assert found["ModelReady"].ok is False


def test_what_only_an_orchestrator_can_tell_is_unknown_without_one() -> None:
    found = verdicts(serving(runtime=report("orchestrator", "model", "knowledge")))
    assert (found["ModelReady"].ok, found["KnowledgeReady"].ok) == (None, None)
    assert found["ModelReady"].message == "Service helpdesk-orchestrator does not answer the gateway, which asks it"
    assert (found["Ready"].ok, found["Ready"].reason) == (False, Reason.COMPONENT_FAILING)


def untold(*names: str) -> RuntimeStatus:
    """As a gateway says it of parts that nobody could tell of."""
    whole = report()
    components = tuple(
        replace(each, ok=None, required=False, detail="Not known: the orchestrator is of another release")
        if each.name in names
        else each
        for each in whole.components
    )
    return replace(whole, components=components, knowledge=())


def test_a_part_that_could_not_be_asked_is_neither_well_nor_failing() -> None:
    found = verdicts(serving(runtime=untold("model", "knowledge")))
    for kind, part in ((ConditionType.MODEL_READY, "model"), (ConditionType.KNOWLEDGE_READY, "knowledge")):
        assert (found[kind].ok, found[kind].reason) == (None, Reason.STATUS_UNREADABLE)
        assert found[kind].message == (
            f"Service helpdesk-orchestrator does not tell of the {part}: "
            "Not known: the orchestrator is of another release"
        )
    assert (found["Ready"].ok, found["Degraded"].ok) == (None, False)


def test_stores_that_could_not_be_asked_are_not_known() -> None:
    assert told(serving(runtime=untold("cache")), ConditionType.PERSISTENCE_READY) == (None, Reason.STATUS_UNREADABLE)


NEWER = "spec.reranker: unknown field"


@pytest.mark.parametrize(
    ("kind", "name", "condition"),
    [
        ("ModelEndpoint", "slm", ConditionType.MODEL_READY),
        ("KnowledgeBase", "handbook", ConditionType.KNOWLEDGE_READY),
    ],
)
def test_a_companion_of_a_newer_contract_is_not_said_to_be_missing(
    kind: str, name: str, condition: ConditionType
) -> None:
    gone: dict[str, Any] = {"endpoint": None} if kind == "ModelEndpoint" else {"bases": ()}
    found = verdicts(serving(unread=(Unread(kind, name, NEWER, is_newer=True),), **gone))
    assert (found["ResolvedRefs"].ok, found["ResolvedRefs"].reason) == (False, Reason.UNSUPPORTED_FEATURE)
    assert found["ResolvedRefs"].message == f"{kind} {name}: {NEWER}; update the operator, or take it out"
    assert (found[condition].ok, found[condition].reason) == (None, Reason.UNSUPPORTED_FEATURE)
    assert found["Stalled"].reason is Reason.UNSUPPORTED_FEATURE


def test_a_class_of_a_newer_contract_is_not_said_to_be_missing() -> None:
    newer = Unread("SupportAgentClass", "gold", NEWER, is_newer=True)
    found = serving({"classRef": {"name": "gold"}}, unread=(newer,))
    assert told(found, ConditionType.ACCEPTED) == (False, Reason.UNSUPPORTED_FEATURE)


def test_an_index_that_does_not_answer_is_not_an_empty_one() -> None:
    away = replace(report("knowledge"), knowledge=())
    assert told(serving(runtime=away), ConditionType.KNOWLEDGE_READY) == (False, Reason.INDEXING_FAILED)


def test_while_documents_are_read_again_the_old_ones_answer() -> None:
    found = serving()
    children = {key: each for key, each in found.children.items() if "-knowledge-" not in key[1]}
    again = replace(found, children=children)
    assert told(again, ConditionType.KNOWLEDGE_READY) == (False, Reason.INDEXING)
    assert told(again, ConditionType.READY) == (True, Reason.SERVING)
    assert told(again, ConditionType.DEGRADED) == (False, Reason.AS_EXPECTED)


def test_monitoring_that_the_cluster_has_no_kinds_for_is_only_mentioned() -> None:
    found = verdicts(serving())["Degraded"]
    assert found.message == (
        "Nothing is broken; left out, because the cluster does not know the kind: ServiceMonitor, PrometheusRule"
    )
    assert verdicts(serving(apis=ALL_APIS))["Degraded"].message == "Nothing is broken"


def test_a_certificate_that_nobody_makes_is_trouble() -> None:
    ingress = {"className": "nginx", "tlsSecretRef": {"name": "tls"}, "clusterIssuer": "letsencrypt"}
    found = serving({"gateway": {"ingress": ingress, "hostnames": ["help.example.com"]}})
    assert told(found, ConditionType.DEGRADED) == (True, Reason.COMPONENT_FAILING)
    message = verdicts(found)["Degraded"].message
    assert message.startswith("cert-manager is not installed")
    assert message.endswith("ServiceMonitor, PrometheusRule")  # trouble does not hide what was left out


def test_a_paused_agent_says_so_and_goes_on_answering() -> None:
    found = serving()
    found.raw["metadata"]["annotations"] = {"supportplane.io/paused": "true"}
    assert told(found, ConditionType.PROGRESSING) == (False, Reason.PAUSED)
    assert told(found, ConditionType.READY) == (True, Reason.SERVING)
    assert Plan(found, SETTINGS).is_paused


def test_a_revision_that_does_not_become_ready_leaves_the_old_one_serving() -> None:
    old = serving()
    change = {"template": {"instructions": {"inline": "Be brief."}}}
    wanted = replace(old, agent=snapshot(change).agent)
    new = Plan(wanted, SETTINGS).revision
    assert told(wanted, ConditionType.PROGRESSING) == (True, Reason.ROLLING_OUT)
    stuck = replace(wanted, pods=(pod("p", "orchestrator", revision=new, **waiting("ErrImagePull")),))
    assert told(stuck, ConditionType.PROGRESSING) == (False, Reason.ROLLOUT_FAILED)
    assert told(stuck, ConditionType.DEGRADED) == (True, Reason.ROLLOUT_FAILED)
    assert told(stuck, ConditionType.STALLED) == (True, Reason.ROLLOUT_FAILED)


def test_an_agent_is_stalled_by_what_matters_to_it() -> None:
    pods = (pod("helpdesk-gateway-1", "gateway", **waiting("ErrImagePull")),)
    stuck = replace(without_pods(HANDOFF, pods=pods), endpoint=None)
    assert told(stuck, ConditionType.STALLED) == (True, Reason.IMAGE_PULL_FAILED)
    assert told(without_pods(), ConditionType.STALLED) == (False, Reason.AS_EXPECTED)


def test_what_the_api_server_refuses_stops_progress() -> None:
    (quota,) = checks.refused([WriteRefused("exceeded quota: small", kind="Deployment", name="helpdesk-gateway")])
    (other,) = checks.refused([WriteRefused("is invalid", kind="Service", name="helpdesk-gateway")])
    assert (quota.reason, other.reason) == (Reason.QUOTA_EXCEEDED, Reason.APPLY_FAILED)
    assert quota.type is ConditionType.PROGRESSING
    assert quota.impact is Impact.DEGRADED
    assert other.message == "Service/helpdesk-gateway: is invalid; correct the agent, or what refuses it"
    assert checks.refused([]) == ()


# Routes and scaling

ROUTE = {"gateway": {"parentRefs": [{"name": "public"}], "hostnames": ["help.example.com"]}}
ACCEPTED = {"type": "Accepted", "status": "True", "observedGeneration": 1}
REFUSED = {
    "type": "Accepted",
    "status": "False",
    "reason": "NotAllowedByListeners",
    "message": "no",
    "observedGeneration": 1,
}
STALE = {**ACCEPTED, "observedGeneration": 0}


def routed(*conditions: Manifest, gateway: str = "public") -> Snapshot:
    found = serving(ROUTE, apis=ALL_APIS)
    key = ("HTTPRoute", "helpdesk-gateway")
    status = {"parents": [{"parentRef": {"name": gateway}, "conditions": list(conditions)}]}
    return replace(found, children={**found.children, key: {**found.children[key], "status": status}})


@pytest.mark.parametrize(
    ("found", "ok", "reason"),
    [
        (routed(ACCEPTED), True, Reason.PROGRAMMED),
        (routed(), False, Reason.ROUTE_PENDING),
        (routed(STALE), False, Reason.ROUTE_PENDING),
        (routed(ACCEPTED, gateway="other"), False, Reason.ROUTE_PENDING),
        (routed(REFUSED), False, Reason.ROUTE_NOT_ACCEPTED),
        (routed(ACCEPTED, {**REFUSED, "type": "ResolvedRefs"}), False, Reason.ROUTE_NOT_ACCEPTED),
        (serving(ROUTE), False, Reason.GATEWAY_API_MISSING),
    ],
)
def test_a_route_counts_when_its_gateway_took_it_as_it_is_now(found: Snapshot, ok: bool, reason: Reason) -> None:
    assert told(found, ConditionType.GATEWAY_READY) == (ok, reason)
    assert told(found, ConditionType.READY)[0] is ok


def test_an_ingress_counts_when_it_has_an_address() -> None:
    found = serving({"gateway": {"ingress": {"className": "nginx"}, "hostnames": ["help.example.com"]}})
    assert told(found, ConditionType.GATEWAY_READY) == (False, Reason.ROUTE_PENDING)
    key = ("Ingress", "helpdesk-gateway")
    status = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}
    served = replace(found, children={**found.children, key: {**found.children[key], "status": status}})
    assert told(served, ConditionType.GATEWAY_READY) == (True, Reason.PROGRAMMED)


@pytest.mark.parametrize(
    ("conditions", "ok", "reason"),
    [
        ([], None, Reason.METRIC_MISSING),
        ([{"type": "ScalingActive", "status": "True"}], True, Reason.VALID_METRIC),
        ([{"type": "ScalingActive", "status": "False", "message": "no metrics"}], False, Reason.METRIC_MISSING),
    ],
)
def test_an_autoscaler_is_asked_whether_it_sees_its_metrics(
    conditions: list[Manifest], ok: bool | None, reason: Reason
) -> None:
    found = serving({"scaling": {"autoscaling": {"maxReplicas": 4}}})
    key = ("HorizontalPodAutoscaler", "helpdesk-gateway")
    scaled = {**found.children[key], "status": {"conditions": conditions}}
    assert told(replace(found, children={**found.children, key: scaled}), ConditionType.SCALING_ACTIVE) == (ok, reason)


def test_every_message_that_is_not_true_names_an_object_or_a_field() -> None:
    for found, kind, _, reason, _ in FAILING.values():
        message = verdicts(found)[kind].message
        assert reason is Reason.AS_EXPECTED or len(message.split()) > 3


def test_files_that_were_left_out_are_counted_where_the_documents_are() -> None:
    counts = (KnowledgeCount("handbook", 12, 340, skipped=2),)
    found = serving(runtime=replace(report(), knowledge=counts))
    verdict = verdicts(found)["KnowledgeReady"]
    assert verdict.ok
    assert verdict.message.startswith("12 documents in 340 passages; 2 files left out")


def test_a_change_of_the_embedding_model_is_told_with_its_progress() -> None:
    count = KnowledgeCount(
        "handbook", 12, 340, embedding="MiniLM-L6-v2", next_embedding="MultilingualE5-small", embedded=100
    )
    counts = (count, replace(count, name="of-another-agent"))
    verdict = verdicts(serving(runtime=replace(report(), knowledge=counts)))["KnowledgeReady"]
    assert verdict.message == (
        "12 documents in 340 passages; 100 of about 340 passages of handbook are embedded with MultilingualE5-small, "
        "those of MiniLM-L6-v2 answer until all are"
    )


def test_an_agent_that_waits_for_its_first_index_says_that_and_not_that_pods_are_missing() -> None:
    found = without_pods(runtime=report(chunks=0))
    assert told(found, ConditionType.AVAILABLE) == (False, Reason.PODS_UNAVAILABLE)
    assert told(found, ConditionType.READY) == (False, Reason.INDEXING)
