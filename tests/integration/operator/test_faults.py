"""The operator and its API server ended at bad moments: what comes of it is what would have come without."""

import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from agent_space import ENDPOINT, Space, agent
from cluster import Cluster, eventually, running_cluster, skip_without_binaries
from gateway_stand_in import Gateway, running_gateway
from operator_process import ACCOUNT, SYSTEM, Installation, Operator

pytestmark = pytest.mark.slow
TESTS = Path(__file__).parents[2]
USER = f"system:serviceaccount:{SYSTEM}:{ACCOUNT}"
QUICK = {"RESYNC_S": "4", "STATUS_INTERVAL_S": "1"}
MOST_WRITES = 60  # more than a new agent and its endpoint take, so that the loop ends by itself
EVERY = 5  # each fifth write boundary, before and after it in turn; SUPPORTPLANE_EVERY_WRITE=1 takes them all
SECONDS_OF_EDITS = 25.0


def ignoring_identity(space: Space) -> list[str]:
    """What was wanted of each child, without what differs between two namespaces: their names, and hashes of them."""
    described = [
        json.dumps([key, child["metadata"]["labels"], sorted(child.get("spec", child.get("data", {})))])
        for key, child in sorted(space.children().items())
    ]
    return [
        re.sub(r"-(migrate|config)-[0-9a-f]{10}", r"-\1-#", each).replace(space.namespace, "#") for each in described
    ]


@pytest.mark.timeout(1800)
def test_killed_at_any_write_it_ends_where_an_undisturbed_one_does(
    cluster: Cluster, installation: Installation, gateway: Gateway
) -> None:
    undisturbed = brought_up(cluster, installation, gateway, argv=())
    step = 1 if os.environ.get("SUPPORTPLANE_EVERY_WRITE") else EVERY
    for number in range(1, MOST_WRITES, step):
        when = "before" if number % 2 else "after"  # an odd step alternates between the two
        program = (str(TESTS / "operator_doomed.py"), str(number), when)
        assert brought_up(cluster, installation, gateway, argv=program) == undisturbed, f"killed {when} write {number}"
        if not was_killed(installation):
            return
    pytest.fail("the operator did not run out of writes")


def was_killed(installation: Installation) -> bool:
    return (installation.folder / "killed").exists()


def brought_up(cluster: Cluster, installation: Installation, gateway: Gateway, *, argv: tuple[str, ...]) -> list[str]:
    """An agent made ready by a replica, or by a doomed one and its successor."""
    space = Space(cluster, gateway, cluster.create_namespace(f"kill-{secrets.token_hex(4)}"))
    marker = installation.folder / "killed"
    marker.unlink(missing_ok=True)
    first = Operator(installation, "doomed", QUICK, argv or ("-m", "supportplane_operator.main"))
    space.run(agent())
    try:
        first.start()
        if argv:
            eventually(lambda: has_ended(first) or space.is_ready("helpdesk"), "the end of the doomed one")
            if has_ended(first):
                marker.touch()
                first = Operator(installation, first.name, QUICK).start()  # as the kubelet does in the same pod
        space.wait_ready("helpdesk")
        settle(space)
        return ignoring_identity(space)
    finally:
        first.kill()
        cluster.ask("DELETE", f"/api/v1/namespaces/{space.namespace}")


def settle(space: Space) -> None:
    last: list[list[str]] = [[]]

    def read() -> bool:
        now, before = sorted(space.children()), last[0]
        last[0] = now
        return now == before

    eventually(read, "nothing changes any more")


def has_ended(operator: Operator) -> bool:
    return operator.child is not None and not operator.child.is_running


def test_of_two_replicas_one_writes_at_a_time(cluster: Cluster, installation: Installation, space: Space) -> None:
    replicas = [Operator(installation, f"replica-{number}", QUICK) for number in (1, 2)]
    try:
        for each in replicas:
            each.start()
        for each in replicas:
            each.wait_ready()
        name = space.run(agent())
        space.wait_ready(name)
        deadline, number = time.monotonic() + SECONDS_OF_EDITS, 0
        while time.monotonic() < deadline:
            number += 1
            space.patch(name, {"spec": {"description": f"edit {number}", "scaling": {"replicas": 1 + number % 3}}})
            eventually(partial(has_replicas, space, name, 1 + number % 3), "the edit is applied")
            assert sum(each.metric("supportplane_operator_is_leader") for each in replicas) <= 1
            if number == 5:
                leader = next(each for each in replicas if each.metric("supportplane_operator_is_leader") == 1)
                leader.kill()
        assert number > 10
        assert conflicts(cluster, space.namespace) == []
        assert sum(each.metric("supportplane_operator_is_leader") for each in replicas) == 1
    finally:
        for each in replicas:
            each.stop()


def has_replicas(space: Space, name: str, wanted: int) -> bool:
    found = space.cluster.read(space.path("deployments", f"{name}-gateway", "/apis/apps/v1")) or {}
    return bool(found.get("spec", {}).get("replicas") == wanted)


def conflicts(cluster: Cluster, namespace: str) -> list[str]:
    """Writes of the operator that the API server refused because somebody else had written."""
    lines = (json.loads(line) for line in cluster.audit_log.read_text().splitlines())
    return [
        line["requestURI"]
        for line in lines
        if line["user"]["username"] == USER
        and line.get("objectRef", {}).get("namespace") == namespace
        and line.get("responseStatus", {}).get("code") == 409
    ]


def test_a_successor_begins_at_once_when_a_replica_is_asked_to_stop(installation: Installation, space: Space) -> None:
    first, second = (Operator(installation, f"turn-{number}", {**QUICK, "LEASE_SECONDS": "30"}) for number in (1, 2))
    try:
        first.start().wait_ready().wait_leading()
        second.start().wait_ready()
        assert first.stop() == 0
        eventually(lambda: second.metric("supportplane_operator_is_leader") == 1, "the second leads", deadline_s=12)
    finally:
        first.kill()
        second.stop()


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


def test_optional_apis_are_used_as_soon_as_the_cluster_has_them(own_cluster: Cluster, shared_data: Path) -> None:
    installation = Installation(own_cluster)
    installation.install()
    operator = Operator(installation, settings=QUICK)
    with running_gateway(own_cluster.pod_address, installation.key.public_key()) as gateway:
        space = Space(own_cluster, gateway, own_cluster.create_namespace("optional"))
        try:
            operator.start().wait_ready().wait_leading()
            space.wait_ready(space.run(agent()))
            assert "ServiceMonitor" in space.condition("helpdesk", "Degraded")["message"]
            install_definitions(own_cluster, shared_data, "monitoring.coreos.com")
            path = "/apis/monitoring.coreos.com/v1/namespaces/optional/servicemonitors/helpdesk-gateway"
            eventually(lambda: own_cluster.ask("GET", path).status == 200, "a ServiceMonitor")
            eventually(
                lambda: "ServiceMonitor" not in space.condition("helpdesk", "Degraded")["message"], "no word of it"
            )
        finally:
            operator.stop()


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


def install_definitions(cluster: Cluster, shared: Path, group: str) -> None:
    for path in sorted((shared / "contracts/crds").rglob("*.yaml")):
        for definition in YAML(typ="safe", pure=True).load_all(path.read_text(encoding="utf-8")):
            if (
                definition
                and definition.get("kind") == "CustomResourceDefinition"
                and definition["spec"]["group"] == group
            ):
                cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)


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
