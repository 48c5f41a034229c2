"""A whole control plane for tests: API server, controllers, scheduler, and kwok in place of nodes.

Everything of Kubernetes but the kubelet is real: garbage collection, endpoints, rollouts, admission, RBAC. Pods become
ready in a moment and nothing runs in them (kwok_stages). Used by the operator's integration tests and its benchmark.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.eventually import eventually
from support.kubernetes.control_plane import START_DEADLINE_S, ControlPlane, NotReady, ready_binary
from support.kubernetes.kwok_stages import CAPACITY, stages
from supportplane_cli.embedded.process import Child, ChildSpec

BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
NODE = "kwok"
NEVER = "1h"  # within no test


def skip_without_binaries() -> None:
    """Skip the module by the name of what would have to be built first."""
    try:
        for name in BINARIES:
            ready_binary(name)
    except NotReady as reason:
        pytest.skip(str(reason), allow_module_level=True)


def own_address() -> str:
    """An address of this machine that an EndpointSlice may name (loopback is refused there)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.18.0.1", 9))  # nothing is sent: the kernel only chooses the interface
        except OSError:
            pytest.skip("this machine has no address but loopback, and an EndpointSlice may not name that")
        address: str = probe.getsockname()[0]
        return address


class Cluster(ControlPlane):
    """The control plane with what makes it work. pod_address: what pods say theirs is."""

    def __init__(self, folder: Path, *, audited: bool = False, autoscales_every: str = NEVER) -> None:
        """autoscales_every: how often autoscalers look, who without metrics only see to the least number of pods."""
        super().__init__(folder, audited=audited)
        self.autoscales_every = autoscales_every
        self.pod_address = own_address()
        self._parts: list[Child] = []

    def start(self) -> None:
        super().start()
        config = self.kubeconfig("admin", self.token)
        (self.folder / "stages.yaml").write_text(stages(self.pod_address))
        self._parts = [Child(self._spec(name, flags)) for name, flags in self._flags(config).items()]
        node = {"metadata": {"name": NODE}, "status": {"allocatable": CAPACITY}}
        self.create("/api/v1/nodes", node)
        eventually(lambda: self._has_account("default"), "controllers at work", deadline_s=START_DEADLINE_S)
        eventually(self._is_node_ready, "a ready node", deadline_s=START_DEADLINE_S)

    def stop(self) -> None:
        """Who talks to the API server stops before it."""
        for part in reversed(self._parts):
            part.stop()
        super().stop()

    def create(self, path: str, manifest: dict[str, Any]) -> dict[str, Any]:
        reply = self.ask("POST", path, manifest)
        assert reply.status == 201, reply.message
        body: dict[str, Any] = reply.body
        return body

    def read(self, path: str) -> dict[str, Any] | None:
        """The object, or None where there is none."""
        reply = self.ask("GET", path)
        if reply.status == 404:
            return None
        assert reply.status == 200, reply.message
        body: dict[str, Any] = reply.body
        return body

    def create_namespace(self, name: str) -> str:
        """A namespace that refuses pods which are not "restricted", with its default service account."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
        eventually(lambda: self._has_account(name), f"the service account of {name}")
        return name

    def account_token(self, namespace: str, name: str) -> str:
        """A token of a service account that exists."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 7200},
        }
        token: str = self.create(path, request)["status"]["token"]
        return token

    def _has_account(self, namespace: str) -> bool:
        return self.ask("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/default").status == 200

    def _is_node_ready(self) -> bool:
        node = self.read(f"/api/v1/nodes/{NODE}") or {}
        conditions = node.get("status", {}).get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def _spec(self, name: str, flags: dict[str, object]) -> ChildSpec:
        argv = (ready_binary(name), *(f"--{flag}={value}" for flag, value in flags.items()))
        return ChildSpec(name, argv, self.folder / f"{name}.log")

    def _flags(self, config: Path) -> dict[str, dict[str, object]]:
        common = {"kubeconfig": config}
        return {
            "kube-controller-manager": {
                **common,
                "service-account-private-key-file": self.folder / "sa.key",
                "root-ca-file": self.folder / "certs/apiserver.crt",
                "use-service-account-credentials": "true",
                "leader-elect": "false",
                "secure-port": 0,
                "kube-api-qps": 200,
                "kube-api-burst": 400,
                # There are no metrics: an autoscaler would say so in an agent's status, a quarter of a minute later.
                "horizontal-pod-autoscaler-sync-period": self.autoscales_every,
                # Nobody would make pods ready again that were not while tests had the API server away.
                "node-monitor-grace-period": "10m",
            },
            "kube-scheduler": {
                **common,
                "leader-elect": "false",
                "secure-port": 0,
                "kube-api-qps": 200,
                "kube-api-burst": 400,
            },
            "kwok": {
                **common,
                "manage-all-nodes": "true",
                "node-lease-duration-seconds": 40,
                "server-address": "",
                "config": self.folder / "stages.yaml",
            },
        }


@contextmanager
def running_cluster(folder: Path, *, audited: bool = False, autoscales_every: str = NEVER) -> Iterator[Cluster]:
    made = Cluster(folder, audited=audited, autoscales_every=autoscales_every)
    try:
        made.start()
        yield made
    finally:
        made.stop()
