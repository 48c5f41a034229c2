"""API servers that are away, and APIs that come later: the operator catches up with what it finds."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_space import ENDPOINT, Space, agent
from cluster import Cluster, eventually, running_cluster, skip_without_binaries
from gateway_stand_in import running_gateway
from operator_process import QUICK, Installation, Operator

pytestmark = pytest.mark.slow


def has_ended(operator: Operator) -> bool:
    return operator.child is not None and not operator.child.is_running


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """One that a test may stop and change for good."""
    skip_without_binaries()
    with running_cluster(tmp_path, audited=True) as made:
        yield made


def test_an_api_server_that_was_away_is_caught_up_with(own_cluster: Cluster) -> None:
    installation = Installation(own_cluster)
    installation.install()
    operator = Operator(installation, settings=QUICK)
    with running_gateway(own_cluster.pod_address, installation.key.public_key()) as gateway:
        space = Space(own_cluster, gateway, own_cluster.create_namespace("away"))
        try:
            operator.start().wait_ready().wait_leading()
            space.wait_ready(space.run(agent()))
            own_cluster.stop_api()
            own_cluster.start_api()
            space.delete("helpdesk-gateway", "services", "/api/v1")
            space.create(agent("second"))
            path = space.path("services", "helpdesk-gateway", "/api/v1")
            if has_ended(operator):  # it could not renew its Lease; the kubelet would start it again
                operator.start()
            eventually(lambda: restarted(operator) and own_cluster.read(path), "the Service is back", deadline_s=60)
            eventually(
                lambda: restarted(operator) and "deployments/second-gateway" in space.children(), "the new agent"
            )
        finally:
            operator.stop()


def restarted(operator: Operator) -> bool:
    """What the kubelet does to a container that ends."""
    if has_ended(operator):
        operator.start()
    return True


def test_an_operator_of_some_namespaces_serves_them_and_no_other(own_cluster: Cluster) -> None:
    installation = Installation(own_cluster)
    served, other = own_cluster.create_namespace("served"), own_cluster.create_namespace("other")
    installation.install(served)
    operator = Operator(installation, settings={**QUICK, "WATCH_NAMESPACES": json.dumps([served])})
    with running_gateway(own_cluster.pod_address, installation.key.public_key()) as gateway:
        ours, theirs = (Space(own_cluster, gateway, each) for each in (served, other))
        try:
            operator.start().wait_ready().wait_leading()
            theirs.run(agent())
            ours.wait_ready(ours.run(agent()))
            assert theirs.children() == {}
            assert all(each["event"] != "watch_refused" for each in operator.log)
        finally:
            operator.stop()


def test_an_endpoint_and_its_agent_may_come_in_any_order(space: Space, installation: Installation) -> None:
    operator = Operator(installation, settings=QUICK)
    space.gateway.stand_behind(space.cluster, space.namespace, "helpdesk")
    space.create(agent())
    space.create(ENDPOINT, "modelendpoints")
    try:
        operator.start()
        space.wait_ready("helpdesk")
        assert all(each["event"] != "reconcile_crashed" for each in operator.log)
    finally:
        operator.stop()
