"""The samples on a cluster that lacks every optional API, and on the same cluster once it has them all.

The CRDs are the real ones; their controllers do not run, so the tests report what those would (foreign_controllers).
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from support.eventually import eventually
from support.kubernetes import foreign_controllers as theirs
from support.kubernetes.agent_space import APPS, CORE, PLURALS, STORES, Space, agent
from support.kubernetes.audit_log import wait_looked_again
from support.kubernetes.cluster import running_cluster, skip_without_binaries
from support.operator.gateway_stand_in import running_gateway
from support.operator.process import QUICK, Installation, Operator
from support.repository import REPOSITORY

pytestmark = pytest.mark.slow
GROUPS = ("cert-manager.io", "gateway.networking.k8s.io", "keda.sh", "monitoring.coreos.com", "postgresql.cnpg.io")
SAMPLES = ("cluster", "managed")
GATEWAY = {"parentRefs": [{"name": "public", "namespace": "gateways"}], "hostnames": ["help.acme.example"]}
KEDA = {"autoscaling": {"provider": "KEDA", "minReplicas": 2, "maxReplicas": 4}}
AGENTS = ("helpdesk", "shop", "routed", "busy")


@dataclass(frozen=True)
class Grown:
    """A cluster that had none of the optional APIs when the agents were made. before: their conditions from then."""

    space: Space
    operator: Operator
    before: dict[str, dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Grown]:
    skip_without_binaries()
    with running_cluster(tmp_path_factory.mktemp("optional"), audited=True) as cluster:
        theirs.make_volumes(cluster, 8)
        installation = Installation(cluster)
        installation.install()
        operator = Operator(installation, settings=QUICK)
        with running_gateway(cluster.pod_address, installation.key.public_key()) as gateway:
            space = Space(cluster, gateway, cluster.create_namespace("acme"))
            try:
                operator.start().wait_ready().wait_leading()
                create_agents(space)
                before = {name: space.conditions(name) for name in AGENTS}
                for group in GROUPS:
                    theirs.install_definitions(cluster, shared_data / "contracts/crds" / group)
                yield Grown(space, operator, before)
            finally:
                operator.stop()


def create_agents(space: Space) -> None:
    """The samples with what they name, an agent with a route, and one that KEDA is to scale."""
    for name in ("helpdesk-articles", "returns-policy"):
        space.create({"metadata": {"name": name}, "data": {"a.md": "# A"}}, "configmaps", CORE)
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    space.create({"metadata": {"name": "shop-documents"}, "spec": claim}, "persistentvolumeclaims", CORE)
    for sample in SAMPLES:
        text = (REPOSITORY / f"crds/samples/{sample}.yaml").read_text(encoding="utf-8")
        for document in YAML(typ="safe", pure=True).load_all(text):
            document["metadata"]["namespace"] = space.namespace
            space.create(document, PLURALS[document["kind"]])
    for agent_name, base in (("helpdesk", "handbook"), ("shop", "policies")):
        told = {"name": base, "documents": 1, "chunks": 1, "skipped": 0}
        space.gateway.knowledge[f"{space.namespace}/{agent_name}"] = [told]
    space.gateway.broken[f"{space.namespace}/shop"] = ("database", "no such host")
    space.run(agent("routed", gateway=GATEWAY))
    space.run(agent("busy", scaling=KEDA))
    for name in ("helpdesk", "shop"):
        space.gateway.stand_behind(space.cluster, space.namespace, name)
    for name in AGENTS:
        space.wait_condition(name, "Available", "True")
    for name in ("helpdesk", "busy"):
        space.wait_ready(name)
    space.wait_condition("routed", "PersistenceReady", "True")


def test_without_optional_apis_the_rest_works_and_a_condition_says_what_was_left_out(grown: Grown) -> None:
    for name in ("helpdesk", "busy"):
        assert grown.before[name]["Ready"]["status"] == "True"
    for name in ("helpdesk", "busy", "routed"):
        assert "ServiceMonitor, PrometheusRule" in grown.before[name]["Degraded"]["message"]
    found = {
        ("routed", "Ready"): "GatewayAPIMissing",
        ("shop", "Ready"): "CloudNativePGMissing",
        ("shop", "Degraded"): "ComponentFailing",
        ("busy", "ScalingActive"): "KedaMissing",
    }
    assert {key: grown.before[key[0]][key[1]]["reason"] for key in found} == found
    assert "cert-manager is not installed" in grown.before["shop"]["Degraded"]["message"]


def test_monitoring_is_written_as_soon_as_its_kinds_are_there(grown: Grown) -> None:
    space = grown.space
    for plural, name in (("servicemonitors", "helpdesk-gateway"), ("prometheusrules", "helpdesk-alerts")):
        path = space.path(plural, name, theirs.MONITORS)
        eventually(partial(space.cluster.read, path), f"{plural}/{name}")
    eventually(lambda: space.condition("helpdesk", "Degraded")["message"] == "Nothing is broken", "nothing is left out")
    assert space.is_ready("helpdesk")


def test_an_agent_is_not_ready_until_its_route_is_programmed(grown: Grown) -> None:
    space = grown.space
    space.wait_condition("routed", "Ready", "False", "RoutePending")
    theirs.route_is_answered(space, "routed-gateway", "False", "NotAllowedByListeners", "no listener takes the host")
    found = space.wait_condition("routed", "Ready", "False", "RouteNotAccepted")
    assert "public" in found["message"]
    assert "no listener takes the host" in found["message"]
    theirs.route_is_answered(space, "routed-gateway", "True", "Accepted")
    space.wait_ready("routed")
    assert space.read("routed")["status"]["url"] == "https://help.acme.example"
    space.patch("routed", {"spec": {"gateway": {"hostnames": ["other.acme.example"]}}})
    space.wait_condition("routed", "Ready", "False", "RoutePending")  # what was accepted is not what is there now
    theirs.route_is_answered(space, "routed-gateway", "True", "Accepted")
    space.wait_ready("routed")


def test_what_is_made_for_an_agent_is_waited_for(grown: Grown) -> None:
    space = grown.space
    found = space.wait_condition("shop", "Ready", "False", "DatabaseUnreachable")
    assert "shop-db" in found["message"]
    database = eventually(partial(space.cluster.read, space.path("clusters", "shop-db", theirs.CLUSTERS)), "shop-db")
    assert (database["spec"]["instances"], database["spec"]["storage"]["storageClass"]) == (3, "fast")
    theirs.database_is_healthy(space, "shop-db")
    del space.gateway.broken[f"{space.namespace}/shop"]
    space.wait_condition("shop", "Ready", "False", "RoutePending")
    theirs.certificate_is_issued(space, "shop-gateway")
    theirs.ingress_has_an_address(space, "shop-gateway")
    space.wait_ready("shop")
    ready = {each["name"] for each in space.read("shop")["status"]["components"] if each["ready"]}
    assert {"shop-db", "shop-cache", "shop-weaviate"} <= ready
    eventually(lambda: space.is_ready("served", "modelendpoints"), "its model is ready")


def test_the_number_of_pods_is_the_autoscalers(grown: Grown) -> None:
    space = grown.space
    for name, scaler in (("busy", "scaledobjects"), ("shop", "horizontalpodautoscalers")):
        group = theirs.SCALED_OBJECTS if name == "busy" else "/apis/autoscaling/v2"
        path = space.path(scaler, f"{name}-gateway", group)
        target = eventually(partial(space.cluster.read, path), path)["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) == ("Deployment", f"{name}-gateway")
    theirs.scaler_is_ready(space, "busy-gateway")
    space.wait_condition("busy", "ScalingActive", "True", "ValidMetric")
    space.patch("busy-gateway/scale", {"spec": {"replicas": 3}}, "deployments", APPS)
    eventually(lambda: space.read("busy")["status"]["readyReplicas"] == 3, "three pods")
    wait_looked_again(space.cluster, grown.operator)
    assert space.read("busy-gateway", "deployments", APPS)["spec"]["replicas"] == 3
    scale = space.path("supportagents", "busy/scale")
    reply = space.cluster.ask("PATCH", scale, {"spec": {"replicas": 5}}, patch="merge")
    assert (reply.status, "autoscaling" in reply.message) == (422, True)


@pytest.mark.parametrize("policy", ["Keep", "Delete"])
def test_a_deleted_agent_takes_its_database_as_its_policy_says(grown: Grown, policy: str) -> None:
    space, name = grown.space, f"goes-{policy.lower()}"
    stores = copy.deepcopy(STORES) | {
        "database": {"cloudNativePG": {"storageSize": "1Gi"}},
        "vectorStore": {"weaviate": {"managed": {"storageSize": "1Gi"}}},
        "deletionPolicy": policy,
    }
    space.run(agent(name, persistence=stores))
    data = [
        space.path("clusters", f"{name}-db", theirs.CLUSTERS),
        space.path("statefulsets", f"{name}-weaviate", APPS),
        space.path("persistentvolumeclaims", f"data-{name}-weaviate-0", CORE),
    ]
    eventually(lambda: all(map(space.cluster.read, data)), "database and vector store")
    space.delete(name)
    eventually(lambda: space.cluster.read(space.path("supportagents", name)) is None, "the agent is gone")
    eventually(lambda: not any(name in key for key in space.children() if "weaviate" not in key), "so is what it ran")
    if policy == "Delete":
        eventually(lambda: not any(map(space.cluster.read, data)), "no data is left")
    else:
        assert all(map(space.cluster.read, data))
