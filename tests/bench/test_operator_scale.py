"""What many agents cost the operator: creation, a change until its children have it, memory, and looking at all again.

`SUPPORTPLANE_BENCH_AGENTS=1000 python -m pytest tests/bench/test_operator_scale.py -s`, about 11 minutes on two cores.
The smallest agent, on a real control plane with kwok on the same machine, which takes the larger part of it. No figure
is asserted but one: looking again at agents that did not change writes nothing.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.eventually import eventually
from support.kubernetes.agent_space import ENDPOINT, Space, agent
from support.kubernetes.audit_log import writes
from support.kubernetes.cluster import Cluster, running_cluster, skip_without_binaries
from support.operator.gateway_stand_in import Gateway, running_gateway
from support.operator.process import Installation, Operator
from supportplane_crds.roles import GATEWAY

AGENTS = int(os.environ.get("SUPPORTPLANE_BENCH_AGENTS", "1000"))
NAMESPACES = max(1, AGENTS // 50)
CHANGES = min(50, AGENTS)
RESYNC_S = 120  # seldom enough not to be in the way of what is measured before
WHOLE_S = 840.0  # all of it; the control plane is started and stopped beside that
DONE = "supportplane_operator_reconciles_total"


@dataclass(frozen=True)
class Bench:
    cluster: Cluster
    operator: Operator
    spaces: tuple[Space, ...]
    ends_at: float

    @property
    def process(self) -> psutil.Process:
        assert self.operator.child is not None
        return psutil.Process(self.operator.child.pid)

    def cpu_s(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def rss_mb(self) -> float:
        return float(self.process.memory_info().rss) / 1e6

    def await_all(self, is_so: Callable[[], bool], what: str) -> None:
        """Asked every five seconds: listing a thousand agents is a second of work for the API server."""
        eventually(is_so, what, deadline_s=self.ends_at - time.monotonic(), every_s=5)

    def agents(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cluster.ask("GET", "/apis/supportplane.io/v1alpha1/supportagents").body[
            "items"
        ]
        return found

    def is_told(self) -> bool:
        """Every status has the number of pods that is wanted: numbers alone are written a minute later."""
        wanted = ((each["spec"].get("scaling", {}).get("replicas", 2), each["status"]) for each in self.agents())
        return all(status["readyReplicas"] == status["replicas"] == number for number, status in wanted)

    def ready(self) -> int:
        """Agents whose status says that they answer customers."""
        conditions = (each.get("status", {}).get("conditions", []) for each in self.agents())
        return sum(any(one["type"] == "Ready" and one["status"] == "True" for one in each) for each in conditions)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    skip_without_binaries()
    monkeypatch.setenv("GOGC", "400")  # a quarter of the API server's time went into collecting garbage
    with running_cluster(tmp_path, audited=True) as cluster:
        installation = Installation(cluster)
        installation.install()
        operator = Operator(installation, settings={"RESYNC_S": str(RESYNC_S), "LEASE_SECONDS": "15"})
        with running_gateway(cluster.pod_address, installation.key.public_key(), GATEWAY.port) as gateway:
            try:
                operator.start().wait_ready().wait_leading()
                yield Bench(cluster, operator, spaces(cluster, gateway), time.monotonic() + WHOLE_S)
            finally:
                operator.stop()


def spaces(cluster: Cluster, gateway: Gateway) -> tuple[Space, ...]:
    made = tuple(Space(cluster, gateway, cluster.create_namespace(f"bench-{number}")) for number in range(NAMESPACES))
    for each in made:
        each.create(ENDPOINT, "modelendpoints")
    return made


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_agents(bench: Bench) -> None:
    print(f"\n{'agents':<32}  {AGENTS} in {NAMESPACES} namespaces")
    for part in (created, changed, looked_at_again):
        for name, value in part(bench):
            print(f"{name:<32}  {value}")


def created(bench: Bench) -> list[tuple[str, str]]:
    started, cpu_s = time.monotonic(), bench.cpu_s()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(partial(create, bench), range(AGENTS)))
    submitted_s = time.monotonic() - started
    bench.await_all(lambda: bench.ready() == AGENTS, "all agents are Ready")
    took_s, used_s = time.monotonic() - started, bench.cpu_s() - cpu_s
    return [
        ("created by kubectl's API in", f"{submitted_s:.0f} s"),
        ("all Ready after", f"{took_s:.0f} s ({AGENTS / took_s:.1f} agents/s)"),
        ("operator's CPU for it", f"{used_s:.0f} s ({1000 * used_s / AGENTS:.0f} ms an agent)"),
        ("resident memory then", f"{bench.rss_mb():.0f} MB"),
    ]


def create(bench: Bench, number: int) -> None:
    bench.spaces[number % NAMESPACES].create(agent(f"agent-{number}"))


def changed(bench: Bench) -> list[tuple[str, str]]:
    """From the moment the API server has the change to the moment the Deployment is changed."""
    delays_s = sorted(change(bench, number * (AGENTS // CHANGES)) for number in range(CHANGES))
    p95_s = delays_s[int(0.95 * (len(delays_s) - 1))]
    return [
        (f"change to children, {CHANGES} changes", f"p50 {statistics.median(delays_s):.2f} s, p95 {p95_s:.2f} s"),
    ]


def change(bench: Bench, number: int) -> float:
    space, name = bench.spaces[number % NAMESPACES], f"agent-{number}"
    space.patch(name, {"spec": {"scaling": {"replicas": 1}}})
    started = time.monotonic()
    path = space.path("deployments", f"{name}-gateway", "/apis/apps/v1")
    eventually(lambda: (bench.cluster.read(path) or {})["spec"]["replicas"] == 1, f"{name} is changed")
    return time.monotonic() - started


def looked_at_again(bench: Bench) -> list[tuple[str, str]]:
    bench.await_all(bench.is_told, "every status is written")
    bench.await_all(lambda: is_quiet(bench), "nothing to do")
    before, cpu_s, done, started = (
        len(writes(bench.cluster)),
        bench.cpu_s(),
        bench.operator.metric(DONE),
        time.monotonic(),
    )
    everything = AGENTS + NAMESPACES
    bench.await_all(lambda: bench.operator.metric(DONE) >= done + everything, "a resync")
    bench.await_all(lambda: is_quiet(bench), "nothing to do")
    written = writes(bench.cluster)[before:]
    assert written == []
    return [
        ("looking at all again", f"{bench.cpu_s() - cpu_s:.1f} s of CPU within {time.monotonic() - started:.0f} s"),
        ("writes while doing so", f"{len(written)} (Lease apart)"),
        ("resident memory at the end", f"{bench.rss_mb():.0f} MB"),
    ]


def is_quiet(bench: Bench) -> bool:
    """Nothing waits, and nothing was reconciled for three seconds."""
    before = bench.operator.metric(DONE)
    time.sleep(3)
    return bench.operator.metric("supportplane_operator_queue_depth") == 0 and bench.operator.metric(DONE) <= before + 2
