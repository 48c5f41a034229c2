from datetime import UTC, datetime
from typing import Any

from supportplane_operator.events import transitions

NOW = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)


def condition(kind: str, status: str, reason: str, message: str = "why") -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def told(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    metadata = {"name": "helpdesk", "namespace": "acme", "uid": "1", "resourceVersion": "7"}
    raw = {"apiVersion": "supportplane.io/v1alpha1", "kind": "SupportAgent", "metadata": metadata}
    events = transitions({**raw, "status": {"conditions": before}}, {"conditions": now}, NOW)
    assert len({each["metadata"]["name"] for each in events}) == len(events)
    return [(each["type"], each["reason"], each["message"]) for each in events]


def test_nothing_changed_is_no_news() -> None:
    same = [condition("Ready", "True", "Serving")]
    assert told(same, same) == []


def test_a_new_object_tells_what_is_wrong_and_whether_it_is_ready() -> None:
    now = [
        condition("Accepted", "True", "Valid"),
        condition("Available", "False", "PodsUnavailable", "no pod"),
        condition("Ready", "Unknown", "StatusUnreadable", "no answer"),
        condition("Stalled", "False", "AsExpected"),
    ]
    assert told([], now) == [
        ("Warning", "PodsUnavailable", "Available: no pod"),
        ("Warning", "StatusUnreadable", "Ready: no answer"),
    ]


def test_ready_does_not_repeat_the_condition_that_it_follows() -> None:
    now = [condition("ModelReady", "False", "Loading"), condition("Ready", "False", "Loading")]
    before = [condition("ModelReady", "True", "Probed"), condition("Ready", "True", "Serving")]
    assert told(before, now) == [("Warning", "Loading", "ModelReady: why")]


def test_a_bad_thing_that_ends_is_good_news() -> None:
    before, now = [condition("Stalled", "True", "SecretNotFound")], [condition("Stalled", "False", "AsExpected")]
    assert told(before, now) == [("Normal", "AsExpected", "Stalled: why")]
    assert told(now, before) == [("Warning", "SecretNotFound", "Stalled: why")]


def test_a_rollout_is_neither_good_nor_bad() -> None:
    before, now = (
        [condition("Progressing", "False", "RevisionServing")],
        [condition("Progressing", "True", "RollingOut")],
    )
    assert told(before, now) == [("Normal", "RollingOut", "Progressing: why")]
