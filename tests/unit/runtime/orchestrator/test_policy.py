import json
from typing import Any

import pytest

from supportplane_crds.support_agent import SupportAgent, Trigger
from supportplane_runtime.orchestrator.policy import HandoffPolicy, Policy, WritingPolicy, policy_of

MINIMAL: dict[str, Any] = {"model": {"modelRef": {"name": "small"}}}


def agent(template: dict[str, Any] | None = None, **spec: Any) -> SupportAgent:
    document = {
        "apiVersion": "supportplane.io/v1alpha1",
        "kind": "SupportAgent",
        "metadata": {"name": "a"},
        "spec": {"template": MINIMAL | (template or {}), **spec},
    }
    return SupportAgent.model_validate_json(json.dumps(document))


def test_an_agent_that_says_nothing_has_safe_defaults() -> None:
    assert policy_of(agent()) == Policy(
        tenant="default",
        hands_off_only=False,
        writing=None,
        handoff=HandoffPolicy(frozenset({Trigger.CUSTOMER_REQUEST, Trigger.MISSING_KNOWLEDGE}), None, None, 5),
        turn_timeout_s=60.0,
        history_limit=40,
        language="en",
        document_languages=frozenset({"en"}),
        agent="a",
    )


WRITING = {"parameters": {"temperature": "0.7", "maxOutputTokens": 99}, "writing": "Verified"}
FIELDS: list[tuple[dict[str, Any], dict[str, Any], str, Any]] = [
    ({}, {"mode": "HandoffOnly"}, "hands_off_only", True),
    ({}, {"tenant": {"id": "acme"}}, "tenant", "acme"),
    ({"orchestrator": {"turnTimeout": "1m30s"}}, {}, "turn_timeout_s", 90.0),
    ({"memory": {"shortTerm": {"maxTurns": 3}}}, {}, "history_limit", 6),
    ({"model": MINIMAL["model"] | WRITING}, {}, "writing", WritingPolicy(0.7, 99)),
    (
        {"model": MINIMAL["model"] | WRITING, "instructions": {"inline": "Be kind."}},
        {},
        "writing",
        WritingPolicy(0.7, 99, "Be kind."),
    ),
    (
        {"handoff": {"queue": "q", "triggers": ["LowConfidence"], "confidenceBelow": 60}},
        {},
        "handoff",
        HandoffPolicy(frozenset({Trigger.LOW_CONFIDENCE}), 0.6, "q", 5),
    ),
]


@pytest.mark.parametrize(("template", "spec", "name", "value"), FIELDS, ids=[f"{row[2]} {row[3]}" for row in FIELDS])
def test_every_field_about_turns_is_honoured(
    template: dict[str, Any], spec: dict[str, Any], name: str, value: Any
) -> None:
    assert getattr(policy_of(agent(template, **spec)), name) == value


def test_replies_are_in_the_language_of_the_first_knowledge_base() -> None:
    policy = policy_of(agent(), languages=["de", "en"])
    assert (policy.language, policy.document_languages) == ("de", frozenset({"de", "en"}))


def test_the_revision_is_the_deployments_and_none_on_a_laptop() -> None:
    assert policy_of(agent(), revision="0123456789").revision == "0123456789"
    assert policy_of(agent()).revision is None
