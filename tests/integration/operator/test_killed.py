"""The operator killed with SIGKILL at any write: what its successor makes of it is what would have come without."""

import json
import os
import re
import secrets
from collections.abc import Iterator
from itertools import cycle, product
from typing import Any

import pytest

from support.eventually import eventually
from support.kubernetes.agent_space import Space, agent
from support.kubernetes.audit_log import writes
from support.kubernetes.cluster import Cluster
from support.kubernetes.settled import on_the_way, wait_settled
from support.operator.gateway_stand_in import Gateway
from support.operator.process import QUICK, Installation, Operator
from support.repository import PROGRAMS
from supportplane_crds.names import FIELD_MANAGER

pytestmark = pytest.mark.slow
PROGRAM = PROGRAMS / "operator_doomed.py"
OWN = ("supportagents", "modelendpoints")
PASSING = {"creationTimestamp", "generation", "lastTransitionTime", "resourceVersion", "time", "uid", "path"}
PASSING |= {"clusterIP", "clusterIPs"}
UID, HASH = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", r"\b[0-9a-f]{10}\b"
MOST_WRITES = 200  # a new agent takes 36, or 46 on a busy machine, which has more to tell: the loop ends by itself
EVERY = 5  # each fifth write, before and after it in turn; SUPPORTPLANE_EVERY_WRITE=1 takes all, before and after


@pytest.mark.timeout(3600)
def test_killed_at_any_write_it_ends_where_an_undisturbed_one_does(
    cluster: Cluster, installation: Installation, gateway: Gateway
) -> None:
    undisturbed = brought_up(Space(cluster, gateway, new_namespace(cluster)), Operator(installation, settings=QUICK))
    for number, when in boundaries():
        space = Space(cluster, gateway, new_namespace(cluster))
        doomed = (str(PROGRAM), space.namespace, str(number), when)
        found = brought_up(space, Operator(installation, settings=QUICK, argv=doomed))
        assert found == undisturbed, f"killed {when} write {number}"
        if number > len(writes(cluster, space.namespace)):
            return
    pytest.fail("the operator did not run out of writes")


def boundaries() -> Iterator[tuple[int, str]]:
    """Numbers of writes, and whether the operator is killed before or after the API server has it."""
    if os.environ.get("SUPPORTPLANE_EVERY_WRITE"):
        yield from product(range(1, MOST_WRITES), ("before", "after"))
    else:
        yield from zip(range(1, MOST_WRITES, EVERY), cycle(("before", "after")), strict=False)


def new_namespace(cluster: Cluster) -> str:
    return cluster.create_namespace(f"kill-{secrets.token_hex(4)}")


def brought_up(space: Space, operator: Operator) -> dict[str, Any]:
    """An agent made ready by a replica, or by its successor if it ends before."""
    space.run(agent())
    try:
        operator.start()
        eventually(lambda: not operator.is_running or not list(on_the_way(space)), "a ready agent, or the end")
        if not operator.is_running:  # started again in the same pod, as the kubelet does
            operator = Operator(operator.installation, operator.name, operator.settings).start()
        wait_settled(space)
        return whole(space)
    finally:
        operator.kill()
        space.cluster.ask("DELETE", f"/api/v1/namespaces/{space.namespace}")


def whole(space: Space) -> dict[str, Any]:
    """All that the operator is answerable for, by object and field: what is its own of each, and its statuses."""
    found = {f"{plural}/{each['metadata']['name']}": each for plural in OWN for each in space.all(plural)}
    found |= {key: {**child, "status": None} for key, child in space.children().items()}
    revision = space.read("helpdesk")["status"]["revision"]
    return dict(flat(comparable(lasting(found), space.namespace, revision)))


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each leaf with where it is, so that a failure names the field."""
    if not isinstance(value, dict | list) or not value:
        yield path, value
        return
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        yield from flat(each, f"{path}/{key}")


def lasting(value: Any) -> Any:
    """Without what Kubernetes gives each object anew, and without the fields that others say are theirs."""
    match value:
        case dict():
            return {key: lasting(each) for key, each in value.items() if key not in PASSING}
        case list():
            return [lasting(each) for each in value if not is_foreign(each)]
    return value


def is_foreign(entry: Any) -> bool:
    return isinstance(entry, dict) and "fieldsV1" in entry and entry["manager"] != FIELD_MANAGER


def comparable(value: Any, namespace: str, revision: str) -> Any:
    """Without uids, and without hashes of what holds the namespace's name, which is each time another."""
    text = re.sub(UID, "a uid", json.dumps(value, sort_keys=True)).replace(namespace, "the namespace")
    return json.loads(re.sub(HASH, lambda found: found[0] if found[0] == revision else "a hash", text))
