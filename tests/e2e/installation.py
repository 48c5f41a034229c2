"""The operator as a pod, installed and removed by its Helm chart as the documentation says."""

import json
import subprocess
from dataclasses import dataclass

from e2e.images import Image
from e2e.node import Node
from e2e.pods import namespace
from support.kubernetes.control_plane import ready_binary
from support.repository import REPOSITORY

SPACE = "supportplane-system"
NAME = "supportplane-operator"
REPLICAS = 2  # the chart's default
START_S = 240


@dataclass(frozen=True, slots=True)
class Operator:
    node: Node
    images: dict[str, Image]

    def install(self) -> None:
        """Returns when every replica is available. The namespace refuses pods that are not `restricted`."""
        self.node.apply(namespace(SPACE))
        self._helm("install", "supportplane", str(REPOSITORY / "operator/chart"), f"--values={self._values()}")
        # Helm's own wait is content with one of two: the other may be away.
        all_there = f"--for=jsonpath={{.status.availableReplicas}}={REPLICAS}"
        waited = ("wait", f"deployment/{NAME}", "-n", SPACE, all_there, f"--timeout={START_S}s")
        self.node.kubectl(*waited, timeout_s=START_S + 30.0)

    def is_installed(self) -> bool:
        return self.node.try_kubectl("get", "deployment", NAME, "-n", SPACE).returncode == 0

    def uninstall(self) -> None:
        self._helm("uninstall", "supportplane", "--wait")

    def _values(self) -> str:
        repository, tag = self.images["supportplane-operator"].reference.rsplit(":", 1)
        agents = {"runtimeImage": self.images["supportplane-runtime"].reference}
        values = {"image": {"repository": repository, "tag": tag, "pullPolicy": "Never"}, "agents": agents}
        file = self.node.folder / "values.json"
        file.write_text(json.dumps(values))
        return str(file)

    def _helm(self, *arguments: str) -> None:
        command = [ready_binary("helm"), *arguments, "--namespace", SPACE, f"--kubeconfig={self.node.kubeconfig}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=START_S)
        assert done.returncode == 0, f"helm {arguments[0]}: {done.stderr}"
