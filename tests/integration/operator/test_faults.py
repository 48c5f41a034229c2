"""An API server that is away, slow or has forgotten: the operator catches up with what it finds."""

import json
import secrets
from collections.abc import Iterator

import pytest

from manifests.conftest import wait_served
from support.eventually import eventually
from support.kubernetes.agent_space import CHILD_KINDS, ENDPOINT, GROUP, PLURALS, Space, agent
from support.kubernetes.cluster import Cluster
from support.kubernetes.settled import on_the_way, wait_settled
from support.operator.process import QUICK, Installation, Operator
from support.repository import PROGRAMS

pytestmark = pytest.mark.slow
EXPIRED = PROGRAMS / "operator_expired.py"
CAUGHT_UP_S = 60.0
RESTARTS = "supportplane_operator_watch_restarts_total"


@pytest.fixture
def replica(installation: Installation) -> Iterator[Operator]:
    """One that a test starts, and may let end and start again."""
    made = Operator(installation, settings=QUICK)
    try:
        yield made
    finally:
        made.stop()


def restart_api(cluster: Cluster) -> None:
    """Returns when it lists every kind again: ready, it may still say that its storage is initializing."""
    cluster.stop_api()
    cluster.start_api()
    kinds = CHILD_KINDS | dict.fromkeys(PLURALS.values(), GROUP)
    wait_served(cluster, [f"{group}/{plural}" for plural, group in kinds.items()])


def wait_back(space: Space, replica: Operator) -> None:
    """Until Service and second agent are there; a replica that ended is started again, as the kubelet would."""
    eventually(
        lambda: {"services/helpdesk-gateway", "deployments/second-gateway"} <= space.children().keys(),
        "what changed meanwhile is seen",
        deadline_s=CAUGHT_UP_S,
        meanwhile=replica.keep_running,
    )


def test_an_api_server_that_was_away_is_caught_up_with(cluster: Cluster, replica: Operator, space: Space) -> None:
    replica.start().wait_leading()
    space.wait_ready(space.run(agent()))
    restart_api(cluster)
    space.delete("helpdesk-gateway", "services", "/api/v1")
    space.run(agent("second"))
    wait_back(space, replica)
    wait_settled(space, meanwhile=replica.keep_running)


def test_a_store_that_is_slow_and_then_hangs_is_waited_for(cluster: Cluster, replica: Operator, space: Space) -> None:
    replica.start().wait_leading()
    with cluster.slow_etcd():
        space.wait_ready(space.run(agent()), deadline_s=120)
        assert replica.is_running
    cluster.hang_etcd(for_s=12)  # longer than the operator waits for an answer, and than it believes in its Lease
    space.delete("helpdesk-gateway", "services", "/api/v1")
    space.run(agent("second"))
    wait_back(space, replica)
    wait_settled(space, meanwhile=replica.keep_running)
    assert all(each["event"] != "reconcile_crashed" for each in replica.log)


def test_a_watch_that_expired_begins_anew(cluster: Cluster, installation: Installation, space: Space) -> None:
    restart_api(cluster)  # which knows of no change before now; one that never ended may still know the very first
    space.run(agent())
    seldom = {**QUICK, "RESYNC_S": "3600"}  # only watches tell of anything here
    replica = Operator(installation, settings=seldom, argv=(str(EXPIRED),)).start()
    try:
        wait_settled(space)
        space.delete("helpdesk-gateway", "services", "/api/v1")
        eventually(lambda: not list(on_the_way(space)) and is_there(space), "the Service is back")
        assert replica.metric(RESTARTS, kind="Service") == 1
        assert all(each["event"] not in {"watch_refused", "watch_broken"} for each in replica.log)
    finally:
        replica.stop()


def is_there(space: Space) -> bool:
    return "services/helpdesk-gateway" in space.children()


def test_an_operator_of_some_namespaces_serves_them_and_no_other(
    cluster: Cluster, installation: Installation, space: Space
) -> None:
    other = Space(cluster, space.gateway, cluster.create_namespace(f"other-{secrets.token_hex(4)}"))
    settings = {**QUICK, "WATCH_NAMESPACES": json.dumps([space.namespace])}
    replica = Operator(installation.beside("narrow-system", space.namespace), "narrow", settings).start()
    try:
        other.run(agent())
        space.wait_ready(space.run(agent()))
        assert other.children() == {}
        assert all(each["event"] != "watch_refused" for each in replica.log)
    finally:
        replica.stop()
        cluster.ask("DELETE", f"/api/v1/namespaces/{other.namespace}")


def test_an_endpoint_and_its_agent_may_come_in_any_order(replica: Operator, space: Space) -> None:
    space.gateway.stand_behind(space.cluster, space.namespace, "helpdesk")
    space.create(agent())
    space.create(ENDPOINT, "modelendpoints")
    replica.start()
    space.wait_ready("helpdesk")
    assert all(each["event"] != "reconcile_crashed" for each in replica.log)
