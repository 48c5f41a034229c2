"""The node itself, before anything of ours runs on it: what fails here is no fault of the product."""

import json

import pytest

from e2e.images import PAUSE
from e2e.node import Node, wait_until
from e2e.pods import ask_from_a_pod, namespace, pod

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SPACE = "plain"
LINES = ["python3", "-m", "http.server", "8080", "--directory", "/usr/share/base-files"]


def test_a_pod_reaches_another_by_the_name_of_its_service(node: Node) -> None:
    server = pod("server", PAUSE, LINES, readinessProbe={"tcpSocket": {"port": 8080}, "periodSeconds": 1})
    server["metadata"]["namespace"] = SPACE
    ports = [{"port": 80, "targetPort": 8080}]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "server", "namespace": SPACE},
        "spec": {"selector": {"app": "server"}, "ports": ports},
    }
    node.apply(namespace(SPACE), service)
    wait_until(lambda: account_exists(node), "the namespace has no account")
    node.apply(server)
    node.kubectl("wait", "pod/server", "-n", SPACE, "--for=condition=Ready", "--timeout=90s")
    answer = ask_from_a_pod(node, SPACE, f"http://server.{SPACE}.svc.cluster.local/motd", image=PAUSE)
    assert answer.status == 200
    assert "Debian" in answer.body


def test_a_container_that_ends_is_reported_by_the_kubelet(node: Node) -> None:
    crashing = pod("crashing", PAUSE, ["sh", "-c", "exit 3"])
    crashing["metadata"]["namespace"] = "default"
    node.apply(crashing)
    node.kubectl("wait", "pod/crashing", "--for=jsonpath={.status.phase}=Failed", "--timeout=90s")
    status = json.loads(node.kubectl("get", "pod", "crashing", "-o", "json"))["status"]
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3


def account_exists(node: Node) -> bool:
    return node.plane.ask("GET", f"/api/v1/namespaces/{SPACE}/serviceaccounts/default").status == 200
