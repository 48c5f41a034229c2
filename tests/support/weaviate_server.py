"""A real Weaviate as a supervised child of pytest, from the binary that `scripts/tool` finds or builds."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.repository import REPOSITORY
from supportplane_cli.embedded.ports import free_port, http_status, is_bindable
from supportplane_cli.embedded.process import ChildSpec, Part

TOOL = REPOSITORY / "scripts" / "tool"
NO_GO = 3  # exit code of tests/servers/build.py


def weaviate_binary() -> Path:
    """Builds it where it must, which says so and how long that takes; skips the test where Go cannot be had."""
    found = subprocess.run([str(TOOL), "weaviate-server"], stdout=subprocess.PIPE, text=True, check=False)
    if found.returncode == NO_GO:
        pytest.skip(
            "no Go to build weaviate-server with: install Go 1.26, or name a folder with it in SUPPORTPLANE_TOOLS"
        )
    assert found.returncode == 0, "weaviate-server could not be built, see above"
    return Path(found.stdout.strip())


@dataclass(frozen=True, slots=True)
class WeaviateSpec:
    binary: Path
    folder: Path
    log_file: Path


class Weaviate(Part):
    """One node that talks to nobody but its clients on loopback."""

    name = "weaviate"
    start_deadline_s = 60.0

    def __init__(self, spec: WeaviateSpec) -> None:
        super().__init__()
        self.spec = spec
        self.port = free_port()
        self.grpc_port = free_port()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def child_spec(self) -> ChildSpec:
        self.spec.folder.mkdir(parents=True, exist_ok=True)
        return ChildSpec(
            name="Weaviate",
            argv=(str(self.spec.binary), "--host", "127.0.0.1", "--port", str(self.port), "--scheme", "http"),
            log_file=self.spec.log_file,
            environment=self._environment(),
            cwd=self.spec.folder,
        )

    def is_ready(self) -> bool:
        """By both protocols: the second one is opened a moment after the first says ready."""
        return http_status(self.port, "/v1/.well-known/ready") == 200 and not is_bindable("127.0.0.1", self.grpc_port)

    def _environment(self) -> dict[str, str]:
        raft_port = free_port()
        loopback = ("CLUSTER_ADVERTISE_ADDR", "CLUSTER_BIND_ADDR")
        ports = ("CLUSTER_GOSSIP_BIND_PORT", "CLUSTER_DATA_BIND_PORT", "RAFT_INTERNAL_RPC_PORT", "PROFILING_PORT")
        return {
            **dict.fromkeys(loopback, "127.0.0.1"),
            **{name: str(free_port()) for name in ports},
            "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true",
            "CLUSTER_HOSTNAME": "node1",
            "DEFAULT_VECTORIZER_MODULE": "none",
            "DISABLE_TELEMETRY": "true",
            "GRPC_PORT": str(self.grpc_port),
            "PERSISTENCE_DATA_PATH": str(self.spec.folder),
            "RAFT_BOOTSTRAP_EXPECT": "1",
            "RAFT_JOIN": f"node1:{raft_port}",
            "RAFT_PORT": str(raft_port),
        }
