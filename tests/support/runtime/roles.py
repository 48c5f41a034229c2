"""The runtime's roles as processes of their own on one database, as a cluster runs them: for tests and benchmarks."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from supportplane_cli.embedded.ports import free_port, http_status
from supportplane_cli.embedded.process import Child, ChildSpec

READY_S = 90.0
STOP_S = 60.0  # then it is killed, and that is not the exit code of a stop in order


@dataclass
class Roles:
    """environment: what all of them are told. Everything ends with the stack."""

    stack: ExitStack
    folder: Path
    environment: dict[str, str]
    started: int = field(default=0)

    def start(self, role: str, *, port: int | None = None, more: Mapping[str, str] | None = None) -> Child:
        own = {"SUPPORTPLANE_HTTP_PORT": str(port)} if port is not None else {}
        self.started += 1
        child = Child(
            ChildSpec(
                name=role,
                argv=(sys.executable, "-m", "supportplane_runtime.app", role),
                log_file=self.folder / f"{self.started}-{role}.log",
                environment=self.environment | own | dict(more or {}),
                stop_timeout_s=STOP_S,
            )
        )
        self.stack.callback(child.stop)
        return child

    def run(self, role: str) -> None:
        """A role that ends by itself."""
        child = self.start(role)
        assert child.wait(timeout_s=300) == 0, child.log_tail()

    def serve(self, role: str, *, port: int, more: Mapping[str, str] | None = None) -> Child:
        """A role that is ready when this returns."""
        child = self.start(role, port=port, more=more)
        child.wait_ready(lambda: is_ready(port), deadline_s=READY_S)
        return child

    def serve_split(self, *, more: Mapping[str, str] | None = None) -> tuple[int, Child, Child]:
        """A gateway and one orchestrator: the gateway's port, and both."""
        behind, port = free_port(), free_port()
        orchestrator = self.serve("orchestrator", port=behind)
        url = {"SUPPORTPLANE_ORCHESTRATOR_URL": f"http://127.0.0.1:{behind}"}
        return port, self.serve("gateway", port=port, more=url | dict(more or {})), orchestrator


def is_ready(port: int, path: str = "/readyz") -> bool:
    return http_status(port, path, timeout_s=10) == 200
