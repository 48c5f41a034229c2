"""One supervisor a data directory, by a lock the kernel takes back when its holder dies, however it dies."""

import fcntl
import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from supportplane_cli.errors import AlreadyRunning
from supportplane_cli.paths import DataDir


class DataLock:
    """Held for as long as the block lasts. Raises AlreadyRunning, naming the holder and what to type."""

    def __init__(self, data: DataDir, *, purpose: str) -> None:
        self._data = data
        self._purpose = purpose
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        file = self._data.lock.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise already_running(self._data) from None
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "purpose": self._purpose}))
        file.flush()
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()


def already_running(data: DataDir) -> AlreadyRunning:
    facts = read_holder(data.lock)
    who = f"`supportplane {facts['purpose']}` (pid {facts['pid']})" if facts else "another supportplane process"
    return AlreadyRunning(
        f"The data directory {data.root} is in use by {who}.",
        hint="use the agent that runs there, stop it with `supportplane down`, or name another --data-dir and --port",
    )


def read_holder(path: Path) -> dict[str, str]:
    """What the holder wrote: pid and purpose; empty when nobody did."""
    try:
        return {name: str(value) for name, value in json.loads(path.read_text() or "{}").items()}
    except (OSError, ValueError):
        return {}


def holder_pid(data: DataDir) -> int | None:
    """The pid of the process that holds the lock now, None when it is free."""
    if not data.lock.exists():
        return None
    with data.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = read_holder(data.lock).get("pid", "")
            return int(pid) if pid.isdigit() else None
    return None


def wait_released(data: DataDir, *, deadline_s: float) -> bool:
    """Whether the lock became free in time."""
    deadline = time.monotonic() + deadline_s
    while holder_pid(data) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
