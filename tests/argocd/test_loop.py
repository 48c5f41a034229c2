"""A push is all that a team does: applied, healed, pruned, refused, corrected, and what the operator makes of it."""

import time
from functools import partial

import pytest

from support.argocd.applications import seconds_until
from support.argocd.installation import skip_without_argocd
from support.argocd.team import AGENT, Team
from support.argocd.tree import FILES, agent_files, agent_text, config_map_text, listing
from support.eventually import eventually

skip_without_argocd()
pytestmark = pytest.mark.slow
RUNS = 3
# Of a machine that does other work too; by default the refused commit would be tried again for minutes.
FIXED_WITHIN_S = 30.0


def test_a_push_changes_the_agent(agent: Team, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [timed_push(agent, f"Answer briefly, version {run}.") for run in range(1, RUNS + 1)]
    with capsys.disabled():
        print("\nseconds since the push began:\nrun  pushed  applied  synced  reconciled  Healthy")  # noqa: T201
        for run, row in enumerate(rows, 1):
            print("{:>3}  {:>6.2f}  {:>7.2f}  {:>6.2f}  {:>10.2f}  {:>7.2f}".format(run, *row))  # noqa: T201


def timed_push(agent: Team, instructions: str) -> tuple[float, ...]:
    """Seconds until the push returned, the agent was changed, Argo CD was done, the operator was, all was Healthy."""
    begun = time.monotonic()
    commit = agent.push("Other instructions", {"supportagent.yaml": agent_text(instructions)})
    pushed = time.monotonic() - begun
    applied = seconds_until(lambda: agent.instructions() == instructions, "the agent is changed", begun)
    synced = seconds_until(lambda: agent.application.is_applied(commit), "Argo CD is done", begun)
    reconciled = seconds_until(lambda: agent.is_reconciled(instructions), "the operator is done", begun)
    healthy = seconds_until(lambda: agent.application.health == "Healthy", "Argo CD says so", begun)
    return pushed, applied, synced, reconciled, healthy


def test_what_somebody_changes_by_hand_is_put_back(agent: Team) -> None:
    for number in range(2):
        agent.space.patch(AGENT, {"spec": {"template": {"instructions": {"inline": f"Be rude, {number}."}}}})
        agent.wait_reconciled()
    agent.space.patch(AGENT, {"spec": {"mode": "HandoffOnly"}})
    eventually(lambda: agent.space.read(AGENT)["spec"]["mode"] == "Auto", "the mode of git is back")
    model = agent.space.path("modelendpoints", "slm")
    agent.space.delete("slm", "modelendpoints")
    eventually(lambda: agent.space.cluster.read(model) and agent.space.is_ready("slm", "modelendpoints"), "the model")
    agent.space.wait_ready(AGENT)


def test_what_git_does_not_say_is_left_as_it_is(agent: Team) -> None:
    agent.space.patch(AGENT, {"metadata": {"annotations": {"team.example.com/note": "ours"}}})
    agent.application.wait_applied(agent.push("Be brief", {"supportagent.yaml": agent_text("Be brief.")}))
    assert agent.space.read(AGENT)["metadata"]["annotations"]["team.example.com/note"] == "ours"


def test_what_is_taken_out_of_git_goes(agent: Team) -> None:
    second = agent_text().replace(f"name: {AGENT}", "name: second")
    agent.application.wait_applied(
        agent.push("A second agent", {"second.yaml": second, **listing(*FILES, "second.yaml")})
    )
    eventually(lambda: "deployments/second-gateway" in agent.space.children(), "the second agent has its gateway")
    agent.application.wait_applied(agent.push("No second agent", {"second.yaml": None, **listing(*FILES)}))
    eventually(lambda: agent.space.cluster.read(agent.space.path("supportagents", "second")) is None, "it is gone")
    eventually(lambda: not [key for key in agent.space.children() if "second" in key], "with all that was made of it")
    agent.space.wait_ready(AGENT)


def test_a_refused_commit_leaves_the_agent_serving_and_its_fix_goes_in_at_once(agent: Team) -> None:
    wrong = agent_text("Be brief.").replace("mode: Auto", "mode: Shadow")
    refused = agent.push("A mode that does not exist", {"supportagent.yaml": wrong})
    told = eventually(lambda: refusal(agent), "a refusal")
    assert "spec.mode" in told
    assert agent.application.sync == ("OutOfSync", refused)
    assert agent.is_reconciled()
    begun = time.monotonic()
    fixed = agent.push("A mode that exists", {"supportagent.yaml": agent_text("Be brief.")})
    agent.application.wait_applied(fixed)
    agent.wait_reconciled("Be brief.")
    assert time.monotonic() - begun < FIXED_WITHIN_S


def refusal(agent: Team) -> str:
    """What the API server said of an object in the last attempt, as Argo CD tells it."""
    results = agent.application.status.get("operationState", {}).get("syncResult", {}).get("resources") or ()
    return next((each["message"] for each in results if each.get("status") == "SyncFailed"), "")


def test_a_file_that_is_no_yaml_is_told_and_changes_nothing(agent: Team) -> None:
    broken = agent.push("Half a file", {"supportagent.yaml": "kind: SupportAgent\n  spec: ["})
    # Argo CD takes the first failure for one of the network's and tells at a later look.
    look_again = partial(agent.tell, broken)
    message = eventually(lambda: comparison_error(agent), "a condition", every_s=1, meanwhile=look_again)
    assert "supportagent.yaml" in message
    assert agent.is_reconciled()
    agent.application.wait_applied(agent.push("The whole file", agent_files()))


def comparison_error(agent: Team) -> str:
    conditions = agent.application.status.get("conditions") or ()
    return next((each["message"] for each in conditions if each["type"] == "ComparisonError"), "")


def test_documents_beside_the_agent_are_synced_with_it(agent: Team) -> None:
    articles = {"refunds.md": "Refunds take five days."}
    files = {"articles.yaml": config_map_text("articles", **articles), **listing(*FILES, "articles.yaml")}
    agent.application.wait_applied(agent.push("Documents", files))
    assert agent.space.read("articles", "configmaps", "/api/v1")["data"] == articles
