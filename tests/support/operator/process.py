"""The operator as a process of its own for tests: under its own service account, with just the permissions it says.

``Installation`` is what a chart would do once a cluster: CRDs, namespace, account, roles, signing key. ``Operator`` is
a replica. ``programs/operator_doomed.py`` is the same program, which a test kills at a chosen write.
"""

import json
import sys
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from manifests.conftest import install
from support.eventually import eventually
from support.kubernetes.cluster import Cluster
from supportplane_cli.embedded.ports import free_port, http_status
from supportplane_cli.embedded.process import Child, ChildSpec
from supportplane_operator import rbac

SYSTEM = "supportplane-system"
ACCOUNT = "supportplane-operator"
# Every few seconds instead of minutes, so that a test of what a resync does need not wait. A gateway that is kept from
# answering by a busy machine is not silent, which its agent's status would tell.
QUICK = {"RESYNC_S": "4", "STATUS_INTERVAL_S": "1", "STATUS_TIMEOUT_S": "30"}
STOP_S = 30.0  # a pod's grace period
ROLES = "/apis/rbac.authorization.k8s.io/v1"


class Installation:
    """Made once a cluster; replicas share it. system: the namespace of the operator."""

    def __init__(self, cluster: Cluster, system: str = SYSTEM) -> None:
        self.cluster = cluster
        self.system = system
        self.folder = cluster.folder
        self.key = Ed25519PrivateKey.generate()
        self.key_file = self.folder / "signing-key.pem"

    def install(self) -> None:
        install(self.cluster)
        form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        self.key_file.write_bytes(self.key.private_bytes(serialization.Encoding.PEM, form, plain))
        self._make_account()
        for role in rbac.manifests(namespaced=False):
            self._grant(role, self.system)

    def beside(self, system: str, served: str) -> "Installation":
        """Another on the same cluster, with the same key, that may serve one namespace."""
        other = Installation(self.cluster, system)
        other._make_account()
        for role in rbac.manifests(namespaced=True):
            other._grant(role, system if role["metadata"]["name"].endswith("-lease") else served)
        return other

    def kubeconfig(self, replica: str) -> Path:
        """A file and a token of its own, by which the audit log tells who wrote."""
        return self.cluster.kubeconfig(f"{self.system}-{replica}", self.cluster.account_token(self.system, ACCOUNT))

    def _make_account(self) -> None:
        self.cluster.create_namespace(self.system)
        self.cluster.create(f"/api/v1/namespaces/{self.system}/serviceaccounts", {"metadata": {"name": ACCOUNT}})

    def _grant(self, role: dict[str, Any], namespace: str) -> None:
        """The role and its binding, named after the installation; a ClusterRole is of no namespace."""
        kind, name = role["kind"], f"{self.system}-{role['metadata']['name']}"
        folder = ROLES if kind == "ClusterRole" else f"{ROLES}/namespaces/{namespace}"
        binding = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": self.system}],
        }
        self.cluster.create(f"{folder}/{kind.lower()}s", {**role, "metadata": {**role["metadata"], "name": name}})
        self.cluster.create(f"{folder}/{kind.lower()}bindings", binding)


@dataclass
class Operator:
    """One replica. settings: SUPPORTPLANE_OPERATOR_* without the prefix. argv: what runs instead of the operator."""

    installation: Installation
    name: str = "operator-1"
    settings: dict[str, str] = field(default_factory=dict)
    argv: tuple[str, ...] = ("-m", "supportplane_operator.main")
    metrics_port: int = field(default_factory=free_port)
    health_port: int = field(default_factory=free_port)
    child: Child | None = None

    def start(self) -> "Operator":
        values = {
            "NAMESPACE": self.installation.system,
            "POD_NAME": self.name,
            "SIGNING_KEY_FILE": str(self.installation.key_file),
            "METRICS_HOST": "127.0.0.1",
            "METRICS_PORT": str(self.metrics_port),
            "HEALTH_PORT": str(self.health_port),
            "LEASE_SECONDS": "15",  # a busy machine does not renew within two seconds; the same name has it at once
            **self.settings,
        }
        environment = {f"SUPPORTPLANE_OPERATOR_{name}": value for name, value in values.items()}
        environment["KUBECONFIG"] = str(self.installation.kubeconfig(self.name))
        log_file = self.installation.folder / f"{self.name}.log"
        argv = (sys.executable, *self.argv)
        self.child = Child(ChildSpec("operator", argv, log_file, environment, stop_timeout_s=STOP_S))
        return self

    def keep_running(self) -> None:
        """What the kubelet does to a container that has ended."""
        if not self.is_running:
            self.start()

    def wait_ready(self) -> "Operator":
        assert self.child is not None
        self.child.wait_ready(lambda: http_status(self.health_port, "/readyz") == 200, deadline_s=60)
        return self

    def wait_leading(self) -> "Operator":
        eventually(lambda: self.metric("supportplane_operator_is_leader") == 1, f"{self.name} leads")
        return self

    @property
    def is_running(self) -> bool:
        return self.child is not None and self.child.is_running

    @property
    def log(self) -> list[dict[str, Any]]:
        """Without the last line while it is being written."""
        assert self.child is not None
        whole = (line for line in self.child.output().splitlines(keepends=True) if line.endswith("\n"))
        return [json.loads(line) for line in whole if line.startswith("{")]

    def metric(self, name: str, **labels: str) -> float:
        """Sum of the samples of a name that have these labels; 0 while nobody answers."""
        try:
            with urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as reply:
                lines = reply.read().decode().splitlines()
        except (OSError, HTTPException):  # it ended, perhaps within its answer
            return 0
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        samples = [line for line in lines if line.partition("{")[0].partition(" ")[0] == name]
        return sum(float(line.rpartition(" ")[2]) for line in samples if all(each in line for each in wanted))

    def kill(self) -> None:
        if self.child is not None:
            self.child.kill()

    def stop(self) -> int | None:
        """The exit code after SIGTERM."""
        if self.child is None:
            return None
        self.child.stop()
        return self.child.exit_code
