"""One supervised child: start, wait until it is ready, stop, and die with the supervisor whatever kills that.

`Child` starts its program through launch.py (which drops root and sets the parent-death signal) and tells the reaper
about it. `Part` is a long-lived child that can be started again. Start children from the main thread only: Linux ties
the parent-death signal to the thread that forked.
"""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from supportplane_cli.embedded.account import Account
from supportplane_cli.errors import PartFailed
from supportplane_cli.stopping import stop

LAUNCHER = Path(__file__).with_name("launch.py")
REAPER = Path(__file__).with_name("reaper.py")
POLL_S = 0.02  # readiness and exit are polled this often: below what a person or the 15 s bar notices


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run. ``argv[0]`` is an absolute path. ``stop_signal`` is the clean way to end it, ``orphan_signal`` the
    quick one for when nobody is left to wait; both are followed by SIGKILL. ``environment`` is added to ours.
    """

    name: str
    argv: tuple[str, ...]
    log_file: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 10.0
    account: Account | None = None  # run as this one (only root can)
    tree: Path | None = None  # bind this folder to launch.MOUNT_POINT first (only root can)
    piped: bool = False  # standard output goes to us instead of the log


class Reaper:
    """The watchdog process of this supervisor; one a process, started with the first child."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def watch(self, pid: int, number: int) -> None:
        self._tell(f"+ {pid} {number}")

    def forget(self, pid: int) -> None:
        self._tell(f"- {pid}")

    def close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _tell(self, line: str) -> None:
        process = self._running()
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(line + "\n")
                process.stdin.flush()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            argv = [sys.executable, "-I", "-S", str(REAPER)]
            self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, text=True, start_new_session=True)
            atexit.register(self.close)
        return self._process


reaper = Reaper()


class Child:
    """A running (or ended) program; one object a start."""

    def __init__(self, spec: ChildSpec) -> None:
        """Start it, without waiting for anything."""
        self.spec = spec
        spec.log_file.parent.mkdir(parents=True, exist_ok=True)
        self._log_offset = spec.log_file.stat().st_size if spec.log_file.exists() else 0
        with spec.log_file.open("ab", buffering=0) as log:
            self._process = subprocess.Popen(
                self._argv(),
                env={**os.environ, **spec.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if spec.piped else log,
                stderr=log,
                start_new_session=True,  # the terminal's Ctrl-C goes to us, and we stop our children in order
            )
        reaper.watch(self.pid, spec.orphan_signal)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def stdout(self) -> IO[bytes] | None:
        return self._process.stdout

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_ready(self, is_ready: Callable[[], bool], *, deadline_s: float) -> None:
        """Raises PartFailed with the end of the log when it ends first or is not ready in time."""
        deadline = time.monotonic() + deadline_s
        while not is_ready():
            if not self.is_running:
                raise PartFailed(f"{self.spec.name} ended while it was starting ({self.ending()}).{self.log_tail()}")
            if time.monotonic() > deadline:
                raise PartFailed(f"{self.spec.name} was not ready after {deadline_s:.0f} s.{self.log_tail()}")
            stop.pause(POLL_S)

    def wait(self, *, timeout_s: float) -> int:
        """Exit code of a child that ends by itself. Raises PartFailed when it does not in time.

        Whatever cuts the wait short ends the child too: nobody else knows of it.
        """
        deadline = time.monotonic() + timeout_s
        try:
            while self.is_running and time.monotonic() < deadline:
                stop.pause(POLL_S)
        except BaseException:
            self.stop()
            raise
        if self.is_running:
            self.stop()
            raise PartFailed(f"{self.spec.name} did not end after {timeout_s:.0f} s.{self.log_tail()}")
        reaper.forget(self.pid)
        return self._process.wait()

    def stop(self) -> None:
        """End it: the clean signal, then SIGKILL to its whole process group. Safe to call twice."""
        if self.is_running:
            self._process.send_signal(self.spec.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self.spec.stop_timeout_s)
        self.kill()

    def kill(self) -> None:
        self._kill_group()
        self._process.wait()
        reaper.forget(self.pid)

    def kill_unwaited(self) -> None:
        """For a signal's handler, which may have cut a wait for this very child."""
        if self._process.returncode is None:
            self._kill_group()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def ending(self) -> str:
        """How it ended, for people: "exit code 1" or "signal 9"."""
        code = self.exit_code or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def output(self) -> str:
        """What this start wrote to the log."""
        if not self.spec.log_file.exists():
            return ""
        with self.spec.log_file.open("rb") as log:
            log.seek(self._log_offset)
            return log.read().decode(errors="replace")

    def log_tail(self, lines: int = 3) -> str:
        """The last lines of this start's log as the end of a sentence, with where to read more."""
        tail = " / ".join(line.strip() for line in self.output().splitlines()[-lines:] if line.strip())
        return f" Its log {self.spec.log_file} ends: {tail}" if tail else f" Its log is {self.spec.log_file}."

    def _argv(self) -> list[str]:
        order = {
            "argv": self.spec.argv,
            "account": [self.spec.account.uid, self.spec.account.gid] if self.spec.account else None,
            "tree": str(self.spec.tree) if self.spec.tree else None,
            "cwd": str(self.spec.cwd) if self.spec.cwd else None,
            "parent": os.getpid(),
            "orphan_signal": int(self.spec.orphan_signal),
        }
        return [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(order)]


class Part(ABC):
    """A long-lived program the supervisor keeps running. A start after the first uses the same port."""

    name: str  # what logs, status and the command line call it
    start_deadline_s: float

    def __init__(self) -> None:
        self._child: Child | None = None

    @abstractmethod
    def child_spec(self) -> ChildSpec: ...

    @abstractmethod
    def is_ready(self) -> bool:
        """Answers now. May raise DataUnusable or PartFailed when waiting longer is of no use."""

    @property
    @abstractmethod
    def address(self) -> str:
        """Where it is reached, without secrets."""

    @property
    def child(self) -> Child:
        if self._child is None:
            raise PartFailed(f"{self.name} was not started.")
        return self._child

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.is_running

    def start(self) -> None:
        self._child = Child(self.child_spec())

    def wait_ready(self) -> None:
        try:
            self.child.wait_ready(self.is_ready, deadline_s=self.start_deadline_s)
        except PartFailed as failure:
            raise self.explain(failure) from failure

    def explain(self, failure: PartFailed) -> Exception:
        """The same failure in words that say what to do, where the part's log is understood."""
        return failure

    def ending(self) -> str:
        return self.child.ending()

    def log_tail(self) -> str:
        return self.child.log_tail()

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def kill_unwaited(self) -> None:
        if self._child is not None:
            self._child.kill_unwaited()
