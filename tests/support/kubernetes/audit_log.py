"""What the operator asked of an API server, from its audit log: one line a request, complete before it is answered.

Counting here sees also what changed nothing, which no comparison of objects would.
"""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from support.eventually import eventually
from support.kubernetes.cluster import Cluster
from support.operator.process import ACCOUNT, SYSTEM, Operator

USER = f"system:serviceaccount:{SYSTEM}:{ACCOUNT}"
WRITES = {"create", "update", "patch", "delete"}
LEASE = "leases"
TOKEN = "authentication.kubernetes.io/credential-id"


def writes(cluster: Cluster, namespace: str | None = None) -> list[str]:
    """Every request that may change something, but for the Lease. namespace: only of this one."""
    found = (each for each in _requests(cluster) if _is_write(each) and _is_in(each, namespace))
    return [f"{each['verb']} {each['requestURI']}" for each in found]


def conflicts(cluster: Cluster, namespace: str) -> list[str]:
    """Writes that the API server refused because somebody else had written."""
    found = (each for each in _requests(cluster) if _is_write(each) and _is_in(each, namespace))
    return [f"{each['verb']} {each['requestURI']}" for each in found if each["responseStatus"].get("code") == 409]


def turns(cluster: Cluster, namespace: str) -> list[str]:
    """Who wrote, in order, each replica once for all its writes in a row: by the token of its own that it came with."""
    found = (each for each in _requests(cluster) if _is_write(each) and _is_in(each, namespace))
    ordered = sorted(found, key=lambda each: each["requestReceivedTimestamp"])
    return [writer for writer, _ in groupby(each["user"]["extra"][TOKEN][0] for each in ordered)]


def looks(cluster: Cluster) -> int:
    """How often all agents were listed: by kopf at the start, from then on by every resync."""
    agents = {"verb": "list", "resource": "supportagents"}
    return sum(
        {"verb": each["verb"], "resource": _object(each).get("resource")} == agents for each in _requests(cluster)
    )


def wait_looked_again(cluster: Cluster, operator: Operator) -> None:
    """Until every object was looked at anew: the second resync begins seconds after the first put them in the queue."""
    before = looks(cluster)
    eventually(lambda: looks(cluster) >= before + 2, "two resyncs began")
    eventually(lambda: operator.metric("supportplane_operator_queue_depth") == 0, "nothing waits")


def _requests(cluster: Cluster) -> Iterator[dict[str, Any]]:
    with cluster.audit_log.open(encoding="utf-8") as log:
        for line in log:
            if USER in line and line.endswith("\n"):
                request = json.loads(line)
                if request["user"]["username"] == USER:
                    yield request


def _is_write(request: dict[str, Any]) -> bool:
    return request["verb"] in WRITES and _object(request).get("resource") != LEASE


def _is_in(request: dict[str, Any], namespace: str | None) -> bool:
    return namespace is None or _object(request).get("namespace") == namespace


def _object(request: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = request.get("objectRef", {})
    return found
