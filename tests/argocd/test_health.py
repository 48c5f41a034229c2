"""What a person sees in Argo CD of an agent, live: its health as it goes through states, and the actions offered."""

import pytest

from support.argocd.installation import skip_without_argocd
from support.argocd.states import dumped
from support.argocd.team import AGENT, Team
from support.argocd.tree import FILES, agent_files, agent_text, config_map_text, listing
from support.eventually import eventually
from support.kubernetes.agent_space import VERSION
from support.kubernetes.kwok_stages import FATE
from support.operator.process import Operator

skip_without_argocd()
pytestmark = pytest.mark.slow
BASE = "handbook"
KNOWLEDGE = {"knowledge": [{"name": BASE}]}


def push_agent(team: Team, text: str) -> None:
    team.application.wait_applied(team.push("The agent as the test wants it", {"supportagent.yaml": text}))


def test_health_is_what_the_gateway_says(agent: Team) -> None:
    key = f"{agent.space.namespace}/{AGENT}"
    agent.space.gateway.broken[key] = ("database", "connection refused")
    assert "connection refused" in agent.application.wait_health_of("SupportAgent", AGENT, "Degraded")
    eventually(lambda: agent.application.health == "Degraded", "the application is Degraded")
    del agent.space.gateway.broken[key]
    agent.application.wait_health_of("SupportAgent", AGENT, "Healthy")
    agent.application.wait_healthy()


def test_a_revision_that_does_not_come_up_is_degraded_while_the_old_one_serves(agent: Team) -> None:
    stuck = {"orchestrator": {"annotations": {FATE: "image"}}}
    push_agent(agent, agent_text("Be brief.", workloads=stuck))
    assert "cannot be pulled" in agent.application.wait_health_of("SupportAgent", AGENT, "Degraded")
    assert agent.space.condition(AGENT, "Ready")["status"] == "True"
    push_agent(agent, agent_text("Be brief."))
    agent.application.wait_health_of("SupportAgent", AGENT, "Healthy")


def test_an_agent_whose_model_is_not_there_is_degraded(agent: Team) -> None:
    agent.application.wait_applied(agent.push("No model", {"modelendpoint.yaml": None, **listing("supportagent.yaml")}))
    assert "ModelEndpoint slm" in agent.application.wait_health_of("SupportAgent", AGENT, "Degraded")
    agent.application.wait_applied(agent.push("The model again", agent_files()))
    agent.application.wait_health_of("SupportAgent", AGENT, "Healthy")


def test_an_agent_scaled_to_zero_is_suspended(agent: Team) -> None:
    push_agent(agent, agent_text(scaling={"replicas": 0}))
    assert "spec.scaling.replicas is 0" in agent.application.wait_health_of("SupportAgent", AGENT, "Suspended")
    push_agent(agent, agent_text(scaling={"replicas": 2}))
    agent.application.wait_health_of("SupportAgent", AGENT, "Healthy")


def test_without_an_operator_nothing_new_is_healthy(agent: Team, operator: Operator) -> None:
    operator.stop()
    try:
        second = agent_text().replace(f"name: {AGENT}", "name: second")
        push_agent(agent, agent_text("Be brief."))
        agent.application.wait_applied(
            agent.push("A second agent", {"second.yaml": second, **listing(*FILES, "second.yaml")})
        )
        assert "has not seen" in agent.application.wait_health_of("SupportAgent", AGENT, "Progressing")
        assert "has not reported" in agent.application.wait_health_of("SupportAgent", "second", "Progressing")
    finally:
        operator.start().wait_ready().wait_leading()
    agent.application.wait_health_of("SupportAgent", AGENT, "Healthy")
    agent.application.wait_applied(agent.push("No second agent", {"second.yaml": None, **listing(*FILES)}))


def test_pausing_outlives_self_healing_and_what_was_pushed_meanwhile_comes_with_resuming(agent: Team) -> None:
    place = ("SupportAgent", AGENT, agent.space.namespace)
    assert set(agent.application.actions(*place)) == {"pause", "resume", "mode"}
    agent.application.act("pause", *place)
    agent.application.wait_health_of("SupportAgent", AGENT, "Suspended")
    assert agent.application.actions(*place)["pause"]["disabled"]
    push_agent(agent, agent_text("Be brief."))
    agent.space.wait_condition(AGENT, "Progressing", "False", "Paused")
    assert not agent.is_reconciled("Be brief.")
    agent.application.act("resume", *place)
    agent.wait_reconciled("Be brief.")
    agent.application.wait_health_of("SupportAgent", AGENT, "Healthy")


def test_a_mode_set_by_an_action_stays_only_where_nothing_heals(agent: Team) -> None:
    place = ("SupportAgent", AGENT, agent.space.namespace)
    before = agent.space.read(AGENT)["metadata"]["generation"]
    agent.application.act("mode", *place, mode="HandoffOnly")
    eventually(lambda: agent.space.read(AGENT)["metadata"]["generation"] >= before + 2, "set and put back")
    assert agent.space.read(AGENT)["spec"]["mode"] == "Auto"
    agent.application.patch({"spec": {"syncPolicy": {"automated": {"selfHeal": False}}}})
    agent.application.act("mode", *place, mode="HandoffOnly")
    eventually(lambda: agent.application.sync[0] == "OutOfSync", "Argo CD tells of the difference")
    eventually(lambda: "mode: HandoffOnly" in agent_file(agent), "the pods get the mode")
    with pytest.raises(AssertionError, match="mode is Auto or HandoffOnly"):
        agent.application.act("mode", *place, mode="Shadow")


def agent_file(agent: Team) -> str:
    """What the pods of the wanted revision read."""
    revision = agent.space.read(AGENT)["status"]["updateRevision"]
    path = agent.space.path("configmaps", f"{AGENT}-config-{revision}", "/api/v1")
    return str(((agent.space.cluster.read(path) or {}).get("data") or {}).get("agent.yaml", ""))


def test_documents_are_read_again_by_an_action(agent: Team) -> None:
    key, place = f"{agent.space.namespace}/{AGENT}", ("KnowledgeBase", BASE, agent.space.namespace)
    spec = {"sources": [{"name": "docs", "configMap": {"name": "articles"}}]}
    base = {"apiVersion": VERSION, "kind": "KnowledgeBase", "metadata": {"name": BASE}, "spec": spec}
    text = agent_text().replace("  template:\n", f"  template:\n    knowledge:\n    - name: {BASE}\n")
    articles = config_map_text("articles", **{"refunds.md": "Refunds take five days."})
    files = {"supportagent.yaml": text, "knowledgebase.yaml": dumped(base), "articles.yaml": articles}
    names = listing(*{*FILES, *files})
    agent.application.wait_applied(agent.push("Documents", files | names))
    agent.application.wait_health_of("KnowledgeBase", BASE, "Progressing")
    agent.space.gateway.knowledge[key] = [{"name": BASE, "documents": 1, "chunks": 1, "skipped": 0}]
    agent.application.wait_health_of("KnowledgeBase", BASE, "Healthy")
    before = jobs(agent)
    assert set(agent.application.actions(*place)) == {"re-ingest"}
    agent.application.act("re-ingest", *place)
    eventually(lambda: jobs(agent) - before, "another Job reads the documents")
    agent.application.wait_health_of("KnowledgeBase", BASE, "Healthy")


def jobs(agent: Team) -> set[str]:
    """The Jobs that read documents."""
    return {key for key in agent.space.children() if key.startswith(f"jobs/{AGENT}-knowledge-")}
