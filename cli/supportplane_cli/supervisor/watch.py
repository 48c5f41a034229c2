"""Keeps one part running: notices that it ended, starts it again with growing pauses, gives up after many failures.

A state machine that is asked `tick(now)` several times a second; it never waits, so one slow part delays no other.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from supportplane_cli.errors import DiskFull, PartFailed

PAUSES_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0, 10.0)  # before each try; after the last one, give up


class Watched(Protocol):
    """What watching needs of a part (embedded.process.Part)."""

    name: str
    start_deadline_s: float

    @property
    def is_running(self) -> bool: ...
    def is_ready(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def explain(self, failure: PartFailed) -> Exception: ...
    def ending(self) -> str: ...
    def log_tail(self) -> str: ...


class Phase(Enum):
    RUNNING = auto()
    PAUSED = auto()  # until ``at``
    STARTING = auto()  # until ``at`` at the latest


@dataclass(slots=True)
class Watch:
    """One part under watch. ``tick`` returns lines for people about what changed."""

    part: Watched
    phase: Phase = Phase.RUNNING
    at: float = 0.0
    tries: int = 0
    lost_at: float = field(default=0.0)

    def tick(self, now: float) -> list[str]:
        """Raises CommandFailed after the last try, or at once when trying again is of no use."""
        match self.phase:
            case Phase.RUNNING:
                return [] if self.part.is_running else self._lost(now)
            case Phase.PAUSED:
                return [] if now < self.at else self._start(now)
            case Phase.STARTING:
                return self._starting(now)

    def _lost(self, now: float) -> list[str]:
        self.lost_at, self.tries = now, 0
        self._pause(now)
        return [f"{self.part.name} ended ({self.part.ending()}); starting it again"]

    def _pause(self, now: float) -> None:
        if self.tries == len(PAUSES_S):
            raise PartFailed(f"{self.part.name} did not come back after {self.tries} tries.{self.part.log_tail()}")
        self.phase, self.at = Phase.PAUSED, now + PAUSES_S[self.tries]
        self.tries += 1

    def _start(self, now: float) -> list[str]:
        self.part.start()
        self.phase, self.at = Phase.STARTING, now + self.part.start_deadline_s
        return []

    def _starting(self, now: float) -> list[str]:
        if not self.part.is_running:
            return self._failed(now, f"{self.part.name} ended while it was starting ({self.part.ending()}).")
        if self.part.is_ready():
            self.phase = Phase.RUNNING
            return [f"{self.part.name} is back after {now - self.lost_at:.1f} s"]
        if now > self.at:
            self.part.stop()
            return self._failed(now, f"{self.part.name} was not ready in time.")
        return []

    def _failed(self, now: float, what: str) -> list[str]:
        reason = self.part.explain(PartFailed(what + self.part.log_tail()))
        if isinstance(reason, DiskFull):
            self.tries = min(self.tries, len(PAUSES_S) - 1)  # the user may free disk space at any time: never give up
        elif not isinstance(reason, PartFailed):
            raise reason
        self._pause(now)
        return [f"{reason} Trying again in {PAUSES_S[self.tries - 1]:g} s"]
