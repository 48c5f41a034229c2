"""A whole agent as a newcomer starts it: ``supportplane up`` in a process of its own, on its own data directory."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from support.repository import PROGRAMS
from supportplane_cli.embedded.ports import free_port, http_status

AGENT = """
apiVersion: supportplane.io/v1alpha1
kind: SupportAgent
metadata: {{name: shop}}
spec:
  template:
    model: {{modelRef: {{name: model}}, writing: {writing}}}
    knowledge: [{{name: guide}}]
  gateway:
    rateLimits: [{{scope: APIKey, requests: 100000, window: 1m}}, {{scope: User, requests: 100000, window: 1m}}]
---
apiVersion: supportplane.io/v1alpha1
kind: ModelEndpoint
metadata: {{name: model}}
spec: {model}
---
apiVersion: supportplane.io/v1alpha1
kind: KnowledgeBase
metadata: {{name: guide}}
spec: {{sources: [{{name: guide, path: guide}}]}}
"""
GUIDE = """# Returns

## How to return a parcel

To return a parcel, print the return label in your account and hand the parcel in at any post office within 30 days.

## Refunds

A refund reaches your bank account five working days after the parcel has arrived in our warehouse.
"""
QUESTION = "How do I return a parcel?"
START_DEADLINE_S = 240.0
SLOW_MODEL = PROGRAMS / "slow_model.py"
SLOW_TURN_S = 3.0


def poll(condition: Callable[[], Any], *, deadline_s: float, what: str) -> Any:
    """The first true value. Raises AssertionError that names what did not happen."""
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {deadline_s:g} s")


def listen_to_ctrl_c() -> None:
    """As in a terminal: a shell starts background jobs, and so perhaps these tests, with Ctrl-C ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Laptop:
    """folder holds the agent file, its guide, the data directory and what `up` printed."""

    folder: Path
    port: int
    writing: str = "Disabled"
    model: str = "{embedded: {}}"
    agent_file: Path | None = None  # another one than the folder's
    start_deadline_s: float = START_DEADLINE_S
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    slow_model: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {(self.data / 'api-key').read_text().strip()}"}

    def write(self) -> None:
        (self.folder / "guide").mkdir(exist_ok=True)
        (self.folder / "guide" / "returns.md").write_text(GUIDE)
        (self.folder / "agent.yaml").write_text(AGENT.format(writing=self.writing, model=self.model))

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "supportplane_cli.main", *arguments, "--data-dir", str(self.data)]

    def launch(self) -> None:
        """Start `up` without waiting for it."""
        with (self.folder / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command("up", "-f", str(self.agent_file or self.folder / "agent.yaml"), "--port", str(self.port)),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=listen_to_ctrl_c,  # noqa: PLW1509  # one call of signal(), safe between fork and exec
            )

    def up(self) -> None:
        self.launch()
        poll(self._is_up, deadline_s=self.start_deadline_s, what=f"up ({self.log()})")

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"up ended: {self.log()}"
        state = self.state()
        return state is not None and state["phase"] == "running" and state["pid"] == self.process.pid

    def state(self) -> dict[str, Any] | None:
        try:
            return dict(json.loads((self.data / "state.json").read_text()))
        except (OSError, ValueError):
            return None

    def pids(self) -> dict[str, int]:
        state = self.state()
        assert state is not None
        return {part["name"]: part["pid"] for part in state["parts"]}

    def kill(self, part: str) -> int:
        """SIGKILL one part; returns the pid that is gone."""
        pid = self.pids()[part]
        os.kill(pid, 9)
        return pid

    def comes_back(self, part: str, killed: int) -> None:
        poll(lambda: self.pids().get(part) not in (None, killed), deadline_s=120, what=f"{part} starting again")

    @contextmanager
    def silent_model(self) -> Iterator[None]:
        """The slow model says nothing meanwhile, so a question that has come to it is surely under way."""
        assert self.slow_model is not None
        self.slow_model.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.slow_model.send_signal(signal.SIGCONT)

    def down(self) -> None:
        """Stop as Ctrl-C does; whatever state it is in."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)

    def log(self) -> str:
        path = self.folder / "up.log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def ask(self, question: str = QUESTION) -> subprocess.Popen[bytes]:
        """`supportplane ask --json`, under way."""
        return subprocess.Popen(self.command("ask", "--json", question), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        timeout = aiohttp.ClientTimeout(total=90)
        async with (
            aiohttp.ClientSession(headers=self.headers, timeout=timeout) as session,
            session.post(self.url + path, json=body) as reply,
        ):
            return reply.status, await reply.json(content_type=None)

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        timeout = aiohttp.ClientTimeout(total=30)
        async with (
            aiohttp.ClientSession(headers=self.headers, timeout=timeout) as session,
            session.get(self.url + path) as reply,
        ):
            return reply.status, await reply.json(content_type=None)


@contextmanager
def slow_agent(folder: Path) -> Iterator[Laptop]:
    """A running agent whose turns take SLOW_TURN_S, because its model does: time enough to kill something."""
    port = free_port()
    server = subprocess.Popen([sys.executable, str(SLOW_MODEL), str(port), str(SLOW_TURN_S)])
    model = f'{{url: "http://127.0.0.1:{port}/v1", model: slow}}'
    agent = Laptop(folder, free_port(), writing="Verified", model=model)
    agent.slow_model = server
    agent.write()
    try:
        poll(lambda: http_status(port, "/") is not None, deadline_s=60, what="the start of the slow model")
        agent.up()
        yield agent
    finally:
        agent.down()
        server.terminate()
        server.wait(timeout=60)
