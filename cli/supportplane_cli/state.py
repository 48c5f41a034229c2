"""What a running supervisor tells the other commands: state.json, mode 0600 because the URLs carry passwords."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from supportplane_cli.errors import NothingRunning
from supportplane_cli.lock import holder_pid
from supportplane_cli.paths import DataDir
from supportplane_cli.private_files import write_private


@dataclass(frozen=True, slots=True)
class PartState:
    """One process: its pid with the time it was created (the kernel may give the same pid to another process later)."""

    name: str
    pid: int
    created_at: float
    address: str
    log: str


@dataclass(frozen=True, slots=True)
class State:
    """phase: starting or running. environment: what the runtime was given, URLs and passwords included."""

    pid: int
    phase: str
    url: str
    agent_file: str
    tenant: str
    started_at: float
    version: str
    environment: dict[str, str] = field(repr=False)
    parts: tuple[PartState, ...] = field(default=())

    @property
    def database_url(self) -> str:
        return self.environment["SUPPORTPLANE_DATABASE_URL"]


def save_state(data: DataDir, state: State) -> None:
    write_private(data.state, json.dumps(asdict(state), indent=1) + "\n")


def last_state(path: Path) -> State | None:
    """The last state written, by a supervisor that may be dead; None when there is none or it is unreadable."""
    try:
        facts = json.loads(path.read_text())
        parts = tuple(PartState(**part) for part in facts.pop("parts"))
        return State(**facts, parts=parts)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def running_state(data: DataDir) -> State:
    """The state of the agent that runs on this data directory. Raises NothingRunning with what to type."""
    state = last_state(data.state)
    if state is None or holder_pid(data) != state.pid:
        raise NothingRunning(
            f"Nothing is running on the data directory {data.root}.",
            hint="start the agent with `make up` or `supportplane up -f AGENT.yaml`, or name another --data-dir",
        )
    return state
