from support.operator.samples import raw, snapshot
from supportplane_operator.snapshot import Manifest
from supportplane_operator.why import Node, lines, tree_of


def condition(kind: str, status: str, reason: str, message: str) -> Manifest:
    return {"type": kind, "status": status, "reason": reason, "message": message}


READY = condition("Ready", "True", "Serving", "The agent answers customers")
SERVES = condition("Progressing", "False", "RevisionServing", "Revision r serves")
FINE = condition("Degraded", "False", "AsExpected", "Nothing is broken")


def agent(*conditions: Manifest, **status: object) -> Manifest:
    return {**raw(snapshot().agent), "status": {"observedGeneration": 3, "conditions": list(conditions), **status}}


def test_an_agent_that_is_ready_is_one_line() -> None:
    tree = tree_of(agent(READY, SERVES, FINE))
    assert tree == Node(
        "SupportAgent acme/helpdesk", ok=True, detail="Ready is True, Serving: The agent answers customers"
    )
    assert lines(tree) == ["[ok  ] SupportAgent acme/helpdesk: Ready is True, Serving: The agent answers customers"]


def test_an_agent_that_is_well_tells_no_stories_of_its_start() -> None:
    about = {"kind": "Pod", "name": "helpdesk-gateway-1"}
    event = {"type": "Warning", "reason": "Unhealthy", "involvedObject": about, "message": "refused", "metadata": {}}
    assert tree_of(agent(READY, SERVES, FINE), events=[event]).children == ()
    rolling = condition("Progressing", "True", "RollingOut", "")
    assert [each.title for each in tree_of(agent(READY, rolling, FINE), events=[event]).children] == [
        "Progressing",
        "Event Pod helpdesk-gateway-1",
    ]


def test_events_of_another_agent_and_of_budgets_are_left_out() -> None:
    events = [
        {"type": "Warning", "reason": "Told", "involvedObject": {"kind": kind, "name": name}, "metadata": {}}
        for kind, name in (
            ("Pod", "helpdesk-eu-gateway-1"),
            ("PodDisruptionBudget", "helpdesk-gateway"),
            ("Job", "helpdesk-migrate-31bf3e8c38"),
        )
    ]
    tree = tree_of(agent(condition("Ready", "False", "Unavailable", "")), events=events)
    assert [each.title for each in tree.children] == ["Event Job helpdesk-migrate-31bf3e8c38"]


def test_a_chain_leads_from_the_summary_to_the_cause() -> None:
    away = "ModelEndpoint slm: connection refused"
    endpoint = {
        "kind": "ModelEndpoint",
        "metadata": {"name": "slm"},
        "status": {"conditions": [condition("Ready", "False", "ModelFailed", "no GPU")]},
    }
    events = [
        {
            "type": kind,
            "involvedObject": {"kind": "Pod", "name": f"{name}-gateway-1"},
            "reason": "BackOff",
            "message": "Back-off\n restarting",
            "lastTimestamp": "2026-11-27T08:00:00Z",
            "metadata": {},
        }
        for kind, name in (("Warning", "helpdesk"), ("Normal", "helpdesk"), ("Warning", "other"))
    ]
    found = agent(
        condition("ModelReady", "False", "ModelUnreachable", away),
        condition("PersistenceReady", "Unknown", "StatusUnreadable", "no answer"),
        condition("Available", "False", "PodsUnavailable", "no pod"),
        SERVES,
        condition("Ready", "False", "ModelUnreachable", away),
        components=[
            {"kind": "Deployment", "name": "helpdesk-gateway", "ready": False, "message": "0 of 2 pods are ready"},
            {"kind": "Dependency", "name": "model", "ready": False, "message": "connection refused"},
            {"kind": "Deployment", "name": "helpdesk-cache", "ready": True},
        ],
    )
    assert lines(tree_of(found, events=events, endpoint=endpoint)) == [
        f"[FAIL] SupportAgent acme/helpdesk: Ready is False, ModelUnreachable: {away}",
        f"|- [FAIL] ModelReady: ModelUnreachable: {away}",
        "|  |- [FAIL] Dependency model: connection refused",
        "|  `- [FAIL] ModelEndpoint slm: Ready is False, ModelFailed: no GPU",
        "|- [?   ] PersistenceReady: StatusUnreadable: no answer",
        "|- [FAIL] Available: PodsUnavailable: no pod",
        "|  `- [FAIL] Deployment helpdesk-gateway: 0 of 2 pods are ready",
        "`- [?   ] Event Pod helpdesk-gateway-1: BackOff: Back-off restarting",
    ]


def test_a_degraded_agent_is_ready_and_says_what_is_broken() -> None:
    tree = tree_of(agent(READY, condition("Degraded", "True", "CacheUnreachable", "cache: away")))
    assert tree.ok is True
    assert [each.detail for each in tree.children] == ["CacheUnreachable: cache: away"]


def test_an_object_that_nobody_looked_at_asks_for_the_operator() -> None:
    new = {key: value for key, value in agent().items() if key != "status"}
    tree = tree_of(new)
    assert tree.ok is None
    assert "does one run" in tree.detail


def test_a_status_that_is_behind_says_so_first() -> None:
    tree = tree_of(agent(READY, SERVES, observedGeneration=2))
    assert tree.children[0].detail.startswith("generation 3 was not looked at yet, what follows is about 2")


def test_a_paused_agent_is_told_with_its_reason() -> None:
    tree = tree_of(agent(READY, condition("Progressing", "False", "Paused", "take the annotation away")))
    assert tree.children == (Node("Progressing", None, "Paused: take the annotation away"),)


def test_a_tree_as_json_has_everything() -> None:
    assert tree_of(agent(READY, SERVES)).as_values() == {
        "title": "SupportAgent acme/helpdesk",
        "ok": True,
        "detail": "Ready is True, Serving: The agent answers customers",
        "children": [],
    }
