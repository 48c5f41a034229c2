"""The commands a person types beside a running agent, in processes of their own."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil

from support.laptop.running_agent import Laptop


@dataclass
class Terminal(Laptop):
    """A laptop with a second terminal. ``prefix`` runs every command as somebody else, ``flags`` are for `up`."""

    prefix: Sequence[str] = field(default=(), kw_only=True)
    flags: Sequence[str] = field(default=(), kw_only=True)

    def command(self, *arguments: str) -> list[str]:
        more = self.flags if arguments[0] == "up" else ()
        return [*self.prefix, *super().command(*arguments, *more)]

    @property
    def up_flags(self) -> tuple[str, ...]:
        return ("up", "-f", str(self.folder / "agent.yaml"), "--port", str(self.port))

    def run(self, *arguments: str, deadline_s: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=deadline_s,
        )

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def well(self) -> dict[str, Any] | None:
        """What `status` says once every part is well; one that is too busy to reply in two seconds is ill for one."""
        facts: dict[str, Any] = self.json("status")
        return facts if (facts["health"] or {}).get("status") == "ok" else None

    def said(self) -> str:
        return (self.folder / "up.log").read_text(errors="replace")

    def family(self) -> list[int]:
        """Every process of the agent, the supervisor and its watchdog included."""
        assert self.process is not None
        supervisor = psutil.Process(self.process.pid)
        return [supervisor.pid, *(child.pid for child in supervisor.children(recursive=True))]


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
