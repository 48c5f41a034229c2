"""A ModelEndpoint that judges sentences, from the agent's specification to pods, policies, revision and conditions."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.operator.samples import SETTINGS, applied, by_name, ready, snapshot
from supportplane_crds import ConditionType, InvalidAgentFile, Reason, parse_agent_file
from supportplane_crds.runtime_status import Part, RuntimeStatus
from supportplane_operator import checks
from supportplane_operator.conditions import Verdict, summarised
from supportplane_operator.references import References
from supportplane_operator.render import render
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest, Snapshot

SPEC: dict[str, Any] = {"template": {"model": {"writing": "Verified", "judgeRef": {"name": "judge"}}}}
JUDGE = {
    "url": "https://judge.example.com:8443/v1",
    "model": "large",
    "credentialsSecretRef": {"name": "judge-key", "key": "token"},
}
SERVED = {"serving": {"engine": "VLLM", "image": "registry.example/vllm:1", "model": "large"}}


def judged(judge: dict[str, Any] = JUDGE) -> Snapshot:
    return snapshot(SPEC, judge=judge)


def manifests(found: Snapshot, kind: str) -> dict[str, Manifest]:
    return by_name(render(Plan(found, SETTINGS)), kind)


def agent_file_of(found: Snapshot) -> str:
    texts: list[str] = [text for each in manifests(found, "ConfigMap").values() for text in each["data"].values()]
    return next(text for text in texts if "kind: SupportAgent" in text)


def test_pods_read_where_the_judge_is_and_its_key() -> None:
    file = parse_agent_file(agent_file_of(judged()), Path("agent.yaml"))
    assert file.judge_endpoint is not None
    assert (file.judge_endpoint.spec.url, file.judge_endpoint.spec.model) == (JUDGE["url"], "large")
    pods = [each["spec"]["template"]["spec"] for each in manifests(judged(), "Deployment").values()]
    assert any(
        volume.get("secret", {}).get("secretName") == "judge-key"
        and volume["secret"]["items"] == [{"key": "token", "path": "token"}]
        for pod in pods
        for volume in pod["volumes"]
    )


def test_a_judge_that_the_operator_serves_is_reached_at_its_service() -> None:
    file = parse_agent_file(agent_file_of(judged(SERVED)), Path("agent.yaml"))
    assert file.judge_endpoint is not None
    assert file.judge_endpoint.spec.url is not None
    assert "judge" in file.judge_endpoint.spec.url
    egress = manifests(judged(SERVED), "NetworkPolicy")["helpdesk-orchestrator"]["spec"]["egress"]
    peers = [peer for rule in egress for peer in rule.get("to", ())]
    assert {"podSelector": {"matchLabels": {"supportplane.io/model": "judge"}}} in peers


def test_orchestrators_may_reach_a_judge_with_a_url() -> None:
    egress = manifests(judged(), "NetworkPolicy")["helpdesk-orchestrator"]["spec"]["egress"]
    assert any({"port": 8443, "protocol": "TCP"} in rule.get("ports", ()) for rule in egress)


def test_another_judge_is_another_revision() -> None:
    other = {**JUDGE, "model": "larger"}
    assert Plan(judged(), SETTINGS).revision != Plan(judged(other), SETTINGS).revision


def test_a_change_of_the_judge_concerns_the_agents_that_name_it() -> None:
    references = References()
    named = references.learn(judged().raw)
    assert "judge" in {key.name for key in named if key.kind == "ModelEndpoint"}


def verdicts(found: Snapshot) -> dict[str, Verdict]:
    return {each.type: each for each in summarised(checks.run(Plan(found, SETTINGS)))}


def test_a_judge_that_does_not_exist_is_named() -> None:
    found = verdicts(replace(judged(), judge=None))["ResolvedRefs"]
    assert (found.ok, found.reason) == (False, Reason.MODEL_NOT_FOUND)
    assert found.message == (
        "ModelEndpoint judge does not exist in namespace acme; create it, or name another one in "
        "spec.template.model.judgeRef"
    )


def test_an_agent_whose_judge_is_away_answers_and_is_degraded() -> None:
    found = applied(judged())
    status = {"Deployment": ready(), "Job": {"succeeded": 1}}
    children = {
        key: {**each, "status": status[key[0]]} if key[0] in status else each for key, each in found.children.items()
    }
    well = ("database", "schema", "cache", "model", "knowledge", "orchestrator")
    parts = (*(Part(name, ok=True) for name in well), Part("judge", ok=False, required=False, detail="no answer"))
    runtime = RuntimeStatus(version="1", revision=Plan(found, SETTINGS).revision, mode="Auto", components=parts)
    told = verdicts(replace(found, children=children, runtime=runtime))
    model = told[ConditionType.MODEL_READY]
    assert (model.ok, model.reason) == (False, Reason.MODEL_UNREACHABLE)
    assert "ModelEndpoint judge, which judges sentences: no answer" in model.message
    assert told[ConditionType.DEGRADED].ok is True


FILE = """apiVersion: supportplane.io/v1alpha1
kind: SupportAgent
metadata: {name: helpdesk}
spec:
  template:
    model: {modelRef: {name: slm}, MORE}
    knowledge: []
---
apiVersion: supportplane.io/v1alpha1
kind: ModelEndpoint
metadata: {name: slm}
spec: {embedded: {model: SmolLM2-135M-Instruct}}
"""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("writing: Verified, judgeRef: {name: jugde}", "the file has no ModelEndpoint jugde"),
        ("judgeRef: {name: slm}", "judgeRef needs writing: Verified"),
    ],
)
def test_a_file_with_a_wrong_judge_is_refused_with_a_sentence(more: str, said: str) -> None:
    with pytest.raises(InvalidAgentFile, match=said):
        parse_agent_file(FILE.replace("MORE", more), Path("agent.yaml"))
