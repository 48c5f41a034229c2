from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from supportplane_cli.errors import DataUnusable, DiskFull, PartFailed
from supportplane_cli.supervisor.watch import PAUSES_S, Phase, Watch


@dataclass
class Part:
    """A part whose life the test decides."""

    name: str = "redis"
    start_deadline_s: float = 5.0
    is_running: bool = True
    ready: bool = True
    starts: int = 0
    survives: bool = True
    reason: Exception | None = None
    stopped: list[str] = field(default_factory=list)

    def is_ready(self) -> bool:
        return self.ready

    def start(self) -> None:
        self.starts += 1
        self.is_running = self.survives

    def stop(self) -> None:
        self.stopped.append(self.name)
        self.is_running = False

    def explain(self, failure: PartFailed) -> Exception:
        return self.reason or failure

    def ending(self) -> str:
        return "signal 9"

    def log_tail(self) -> str:
        return " Its log ends: out of luck"


def test_a_running_part_is_left_alone() -> None:
    part = Part()
    assert Watch(part).tick(1.0) == []
    assert part.starts == 0


def test_a_part_that_ended_is_started_at_once_and_reported_when_it_is_back() -> None:
    part = Part(is_running=False, ready=False)
    watch = Watch(part)
    assert watch.tick(10.0) == ["redis ended (signal 9); starting it again"]
    assert watch.tick(10.0) == []
    assert (part.starts, watch.phase) == (1, Phase.STARTING)
    part.ready = True
    assert watch.tick(11.5) == ["redis is back after 1.5 s"]
    assert watch.phase is Phase.RUNNING


def test_failed_starts_are_repeated_with_growing_pauses_and_then_given_up() -> None:
    part = Part(is_running=False, survives=False)
    watch = Watch(part)
    started_at: list[float] = []

    def live_on() -> None:
        for quarter in range(800):
            before = part.starts
            watch.tick(quarter / 4)
            if part.starts > before:
                started_at.append(quarter / 4)

    with pytest.raises(PartFailed, match="redis did not come back after 10 tries"):
        live_on()
    pauses = [later - earlier for earlier, later in pairwise(started_at)]
    assert part.starts == len(PAUSES_S)
    assert pauses == sorted(pauses)


def test_a_part_that_is_never_ready_is_stopped_and_started_again() -> None:
    part = Part(is_running=False, ready=False)
    watch = Watch(part)
    watch.tick(0.0)
    watch.tick(0.0)
    lines = watch.tick(6.0)
    assert part.stopped == ["redis"]
    assert "was not ready in time" in lines[0]
    assert "Trying again in 0.5 s" in lines[0]


def test_a_damaged_folder_is_not_tried_again() -> None:
    part = Part(is_running=False, survives=False, reason=DataUnusable("the folder is damaged"))
    watch = Watch(part)
    watch.tick(0.0)
    watch.tick(0.0)
    with pytest.raises(DataUnusable):
        watch.tick(0.1)


def test_a_full_disk_is_waited_out() -> None:
    part = Part(is_running=False, survives=False, reason=DiskFull("the disk is full."))
    watch, now = Watch(part), 0.0
    while now < 500:
        watch.tick(now)
        now += 0.5
    assert part.starts > 2 * len(PAUSES_S)
    part.survives = True
    while watch.phase is not Phase.RUNNING and now < 600:
        watch.tick(now)
        now += 0.5
    assert watch.phase is Phase.RUNNING
