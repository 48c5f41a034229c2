"""More than one operator: one writes at a time, and the next goes on where the last one ended."""

import os
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from support.eventually import eventually
from support.kubernetes.agent_space import APPS, Space, agent
from support.kubernetes.audit_log import conflicts, turns
from support.kubernetes.cluster import Cluster
from support.kubernetes.settled import wait_settled
from support.operator.process import QUICK, Installation, Operator

pytestmark = pytest.mark.slow
# What a leader sends has two seconds to arrive after it last believed in its Lease, also on a busy machine.
SETTINGS = {**QUICK, "LEASE_SECONDS": "6"}
SECONDS_OF_EDITS = float(os.environ.get("SUPPORTPLANE_SECONDS_OF_EDITS", "15"))
LEADER = "supportplane_operator_is_leader"
KILLED_EVERY = 12  # edits


class Replicas:
    """Two at any time: whichever ends is replaced by one of another name, as a Deployment does."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._number = 0
        self.running = [self._next(), self._next()]

    def replace_ended(self) -> None:
        """One that loses its Lease on a busy machine ends, too."""
        self.running = [each if each.is_running else self._next() for each in self.running]

    def leaders(self) -> list[Operator]:
        return [each for each in self.running if each.metric(LEADER) == 1]

    def kill_leader(self) -> None:
        leader = eventually(self.leaders, "a replica leads", meanwhile=self.replace_ended)[0]
        leader.kill()

    def stop(self) -> None:
        for each in self.running:
            each.stop()

    def _next(self) -> Operator:
        self._number += 1
        return Operator(self._installation, f"replica-{self._number}", SETTINGS).start()


@pytest.fixture
def replicas(installation: Installation) -> Iterator[Replicas]:
    made = Replicas(installation)
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.timeout(300 + 2 * SECONDS_OF_EDITS)
def test_of_two_replicas_one_writes_at_a_time(cluster: Cluster, replicas: Replicas, space: Space) -> None:
    name = space.run(agent())
    space.wait_ready(name)
    deadline, number = time.monotonic() + SECONDS_OF_EDITS, 0
    while time.monotonic() < deadline or number <= KILLED_EVERY:
        number += 1
        space.patch(name, edit(number))
        eventually(
            partial(is_applied, space, name, number), f"edit {number} is applied", meanwhile=replicas.replace_ended
        )
        if number % KILLED_EVERY == 0:
            replicas.kill_leader()
    wait_settled(space, meanwhile=replicas.replace_ended)
    assert is_applied(space, name, number)
    assert conflicts(cluster, space.namespace) == []
    writers = turns(cluster, space.namespace)
    assert len(writers) == len(set(writers)) >= 2
    eventually(lambda: len(replicas.leaders()) == 1, "one leads", meanwhile=replicas.replace_ended)


def edit(number: int) -> dict[str, Any]:
    """Most concern a child or two; some are a new revision."""
    spec: dict[str, Any] = {"description": f"edit {number}", "scaling": {"replicas": wanted_replicas(number)}}
    if number % 5 == 0:
        spec["template"] = {"instructions": {"inline": f"Be brief, version {number}."}}
    return {"spec": spec}


def wanted_replicas(number: int) -> int:
    return 1 + number % 3


def is_applied(space: Space, name: str, number: int) -> bool:
    found = space.cluster.read(space.path("deployments", f"{name}-gateway", APPS)) or {}
    return bool(found.get("spec", {}).get("replicas") == wanted_replicas(number))


def test_a_successor_begins_at_once_when_a_replica_is_asked_to_stop(installation: Installation) -> None:
    first, second = (Operator(installation, f"turn-{number}", {**QUICK, "LEASE_SECONDS": "60"}) for number in (1, 2))
    try:
        first.start().wait_ready().wait_leading()
        second.start().wait_ready()
        assert first.stop() == 0
        eventually(lambda: second.metric(LEADER) == 1, "the second leads", deadline_s=24)  # it asks every ten
    finally:
        first.kill()
        second.stop()
