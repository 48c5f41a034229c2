"""An agent on a real API server: it becomes ready, stays as it should be, and goes when it is deleted."""

from functools import partial
from typing import Any

import pytest
from ruamel.yaml import YAML

from support.eventually import eventually
from support.kubernetes.agent_space import APPS, CORE, ENDPOINT, Space, agent
from support.kubernetes.audit_log import wait_looked_again, writes
from support.kubernetes.kwok_stages import FATE
from support.kubernetes.settled import applied, wait_settled
from support.operator.process import Operator
from support.repository import REPOSITORY
from supportplane_crds.names import FIELD_MANAGER

NAMED = (("helpdesk", "supportagents"), ("slm", "modelendpoints"))
pytestmark = pytest.mark.slow


def test_the_smallest_agent_becomes_ready_when_its_gateway_says_so(space: Space, operator: Operator) -> None:
    name = space.run(agent())
    space.wait_ready(name)
    assert f"/internal/v1/status {space.namespace}/{name}" in space.gateway.asked
    wait_settled(space)
    status = space.read(name)["status"]
    assert status["url"] == f"http://helpdesk-gateway.{space.namespace}.svc"
    assert status["readyReplicas"] == 2
    assert status["revision"] == status["updateRevision"]
    assert space.is_ready("slm", "modelendpoints")


def test_what_the_gateway_says_is_what_the_status_says(space: Space, operator: Operator) -> None:
    space.gateway.broken[f"{space.namespace}/helpdesk"] = ("database", "connection refused")
    name = space.run(agent())
    eventually(lambda: "refused" in space.condition(name, "PersistenceReady").get("message", ""), "the gateway's word")
    assert space.condition(name, "Ready")["status"] == "False"
    del space.gateway.broken[f"{space.namespace}/helpdesk"]
    space.wait_ready(name, deadline_s=90)


def test_without_an_answer_ready_is_unknown_and_never_true(space: Space, operator: Operator) -> None:
    space.create(ENDPOINT, "modelendpoints")
    space.create(agent())
    found = space.wait_condition("helpdesk", "Ready", "Unknown")
    assert "helpdesk-gateway" in found["message"]
    space.wait_condition("helpdesk", "Available", "True")
    assert space.condition("helpdesk", "Ready")["status"] == "Unknown"


def test_looking_again_writes_nothing(space: Space, operator: Operator) -> None:
    space.run(agent())
    wait_settled(space)
    wait_told(space)
    before, written = applied(space), writes(space.cluster, space.namespace)
    assert written
    wait_looked_again(space.cluster, operator)
    assert writes(space.cluster, space.namespace) == written
    assert applied(space) == before


@pytest.mark.parametrize("what", ["deleted", "edited"])
def test_every_child_comes_back(space: Space, operator: Operator, what: str) -> None:
    space.run(agent())
    wait_settled(space)
    before = space.children()
    for key, child in before.items():
        if what == "edited" and key.startswith("jobs/"):
            continue  # what a job runs cannot be edited
        damage(space, child, what)
        eventually(partial(is_repaired, space, key, child, what), f"{key} is as it was")
    assert space.children().keys() == before.keys()


def test_fifty_edits_end_at_the_last(space: Space, operator: Operator) -> None:
    name = space.run(agent())
    space.wait_ready(name)
    for number in range(50):
        text = {"inline": f"Be brief, version {number}."}
        space.patch(name, {"spec": {"template": {"instructions": text}}})
    status = eventually(lambda: rolled_out(space, name), "the last revision serves")
    config = space.read(f"{name}-config-{status['revision']}", "configmaps", "/api/v1")
    assert "version 49" in config["data"]["agent.yaml"]
    eventually(lambda: orchestrators(space) == [f"{name}-orchestrator-{status['revision']}"], "only the last is left")


def test_a_paused_agent_is_left_alone(space: Space, operator: Operator) -> None:
    name = space.run(agent())
    space.wait_ready(name)
    space.patch(name, {"metadata": {"annotations": {"supportplane.io/paused": "true"}}})
    space.wait_condition(name, "Progressing", "False", "Paused")
    space.delete(f"{name}-gateway", "services", "/api/v1")
    wait_looked_again(space.cluster, operator)
    assert space.cluster.read(space.path("services", f"{name}-gateway", "/api/v1")) is None
    space.patch(name, {"metadata": {"annotations": {"supportplane.io/paused": None}}})
    eventually(lambda: space.cluster.read(space.path("services", f"{name}-gateway", "/api/v1")), "the Service returns")


def test_an_agent_is_scaled_like_a_deployment(space: Space, operator: Operator) -> None:
    name = space.run(agent())
    space.wait_ready(name)
    reply = space.cluster.ask(
        "PATCH", space.path("supportagents", f"{name}/scale"), {"spec": {"replicas": 3}}, patch="merge"
    )
    assert reply.status == 200, reply.message
    eventually(lambda: space.read(name)["status"].get("readyReplicas") == 3, "three pods")
    scale = space.cluster.ask("GET", space.path("supportagents", f"{name}/scale")).body
    selector = scale["status"]["selector"]
    pods = space.cluster.ask("GET", f"/api/v1/namespaces/{space.namespace}/pods?labelSelector={selector}").body["items"]
    assert len([pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]) == 3


@pytest.mark.parametrize("policy", ["Keep", "Delete"])
def test_a_deleted_agent_takes_what_its_policy_says(space: Space, operator: Operator, policy: str) -> None:
    store = {"weaviate": {"managed": {"storageSize": "1Gi"}}}
    manifest = agent()
    manifest["spec"]["persistence"] |= {"vectorStore": store, "deletionPolicy": policy}
    name = space.run(manifest)
    eventually(lambda: f"statefulsets/{name}-weaviate" in space.children(), "a Weaviate")
    space.delete(name)
    eventually(lambda: space.cluster.read(space.path("supportagents", name)) is None, "the agent is gone")
    left = {f"statefulsets/{name}-weaviate"} if policy == "Keep" else set()
    eventually(lambda: {key for key in space.children() if name in key} == left, f"only {left or 'nothing'} is left")


def test_an_agent_says_what_it_misses_and_goes_on_when_it_comes(space: Space, operator: Operator) -> None:
    space.gateway.stand_behind(space.cluster, space.namespace, "helpdesk")
    space.create(agent())
    found = space.wait_condition("helpdesk", "Ready", "False", "ModelNotFound")
    assert "slm" in found["message"]
    space.create(ENDPOINT, "modelendpoints")
    space.wait_ready("helpdesk")


@pytest.mark.parametrize(
    ("fate", "reason", "words"),
    [("crash", "CrashLooping", "container gateway"), ("image", "ImagePullFailed", "cannot be pulled")],
)
def test_a_gateway_that_does_not_start_says_why(
    space: Space, operator: Operator, fate: str, reason: str, words: str
) -> None:
    space.run(agent(workloads={"gateway": {"annotations": {FATE: fate}}}))
    space.wait_condition("helpdesk", "Available", "False", reason)
    space.wait_condition("helpdesk", "Ready", "False", reason)
    found = space.conditions("helpdesk")  # with the next pod that fails, both may name another
    assert words in found["Available"]["message"]
    assert found["Ready"]["message"] == found["Available"]["message"]


def test_a_change_of_a_condition_is_an_event(space: Space, operator: Operator) -> None:
    space.create(agent())
    space.wait_condition("helpdesk", "Ready", "False", "ModelNotFound")
    eventually(lambda: ("helpdesk", "ModelNotFound") in told(space), "an event")


def test_an_object_of_somebody_else_is_not_taken_over(space: Space, operator: Operator) -> None:
    theirs = {
        "metadata": {"name": "helpdesk-gateway"},
        "spec": {"ports": [{"name": "http", "port": 9}], "selector": {"a": "b"}},
    }
    space.cluster.create(space.path("services", group="/api/v1"), theirs)
    space.run(agent())
    found = space.wait_condition("helpdesk", "Progressing", "False", "ApplyFailed")
    assert "helpdesk-gateway" in found["message"]
    assert space.read("helpdesk-gateway", "services", "/api/v1")["spec"]["selector"] == {"a": "b"}


def test_the_clusters_sample_becomes_ready(space: Space, operator: Operator) -> None:
    path = REPOSITORY / "crds/samples/minimal.yaml"
    for document in YAML(typ="safe", pure=True).load_all(path.read_text(encoding="utf-8")):
        if document["kind"] == "SupportAgent":
            document["spec"]["persistence"] = agent()["spec"]["persistence"]
            space.gateway.stand_behind(space.cluster, space.namespace, document["metadata"]["name"])
        plural = {"SupportAgent": "supportagents", "ModelEndpoint": "modelendpoints"}[document["kind"]]
        space.create(document, plural)
    space.wait_ready("helpdesk")


def rolled_out(space: Space, name: str) -> dict[str, Any] | None:
    """The status, once it is of the last generation and what it wants is what serves."""
    found = space.read(name)
    status: dict[str, Any] = found["status"]
    is_current = status["observedGeneration"] == found["metadata"]["generation"]
    return status if is_current and status["revision"] == status["updateRevision"] else None


def told(space: Space) -> list[tuple[str, str]]:
    """Name and reason of every event that the operator wrote."""
    events = [each for each in space.all("events", CORE) if each.get("source", {}).get("component") == FIELD_MANAGER]
    return [(each["involvedObject"]["name"], each["reason"]) for each in events]


def wait_told(space: Space) -> None:
    """Until the operator's last word about agent and endpoint is there: it comes after the status that it is about."""
    last = {(name, space.condition(name, "Ready", plural)["reason"]) for name, plural in NAMED}
    eventually(lambda: last <= set(told(space)), "the last events")
    eventually(lambda: audited_events(space) >= len(told(space)), "the audit log has them too")


def audited_events(space: Space) -> int:
    return sum("/events" in each for each in writes(space.cluster, space.namespace))


def damage(space: Space, child: dict[str, Any], what: str) -> None:
    path = child["path"]
    if what == "deleted":
        reply = space.cluster.ask("DELETE", path + "?propagationPolicy=Background")
    else:
        labels = {
            "metadata": {"labels": {"app.kubernetes.io/component": "meddled", "app.kubernetes.io/instance": None}}
        }
        reply = space.cluster.ask("PATCH", path, labels, patch="merge")
    assert reply.status == 200, reply.message


def is_repaired(space: Space, key: str, before: dict[str, Any], what: str) -> bool:
    now = space.children().get(key)
    if now is None:
        return False
    is_same = now["metadata"]["labels"] == before["metadata"]["labels"]
    return is_same and (what == "edited" or now["metadata"]["uid"] != before["metadata"]["uid"])


def orchestrators(space: Space) -> list[str]:
    listed = space.cluster.ask("GET", space.path("deployments", group=APPS)).body["items"]
    return sorted(each["metadata"]["name"] for each in listed if "-orchestrator-" in each["metadata"]["name"])
