"""Starts everything, says when it answers, watches it, and stops it: the story of `supportplane up`.

One main thread starts all children (embedded.process says why) and asks each watch in turn. A signal only leaves a mark
(stopping says why), and the next wait ends the loop.
"""

import os
import sys
import time

from supportplane_cli import __version__
from supportplane_cli.embedded.process import Part
from supportplane_cli.errors import CommandFailed
from supportplane_cli.lock import DataLock
from supportplane_cli.state import PartState, State, save_state
from supportplane_cli.stopping import StopAsked, stop
from supportplane_cli.supervisor import preflight
from supportplane_cli.supervisor.credentials import make_link
from supportplane_cli.supervisor.greeting import greeting, not_refreshed_block, ready_facts
from supportplane_cli.supervisor.logs import rotate
from supportplane_cli.supervisor.plan import Plan
from supportplane_cli.supervisor.report import Clock, make_reporter
from supportplane_cli.supervisor.startup import Startup
from supportplane_cli.supervisor.watch import Watch

TICK_S = 0.1
ROTATE_EVERY_S = 30.0


def up(plan: Plan, *, as_json: bool) -> None:
    """Runs until a signal. Raises CommandFailed when it cannot start or a part does not come back."""
    begun = time.monotonic()
    stop.remember()
    try:
        preflight.prepare_folder(plan.data)
        with DataLock(plan.data, purpose="up"):
            preflight.check(plan)
            Supervisor(plan, begun, as_json=as_json).run()
    finally:
        stop.ignore()


class Supervisor:
    """One `up`, from start to stop."""

    def __init__(self, plan: Plan, begun: float, *, as_json: bool) -> None:
        self._plan = plan
        self._begun = begun
        self._started_at = time.time()
        self._clock = Clock()
        self._report = make_reporter(self._clock, as_json=as_json)
        self._startup = Startup(plan, self._report, lambda: self._save_state("starting"))

    def run(self) -> None:
        try:
            with self._report:
                self._startup.run()
                self._announce()
                self._watch()
        except StopAsked:
            pass
        except CommandFailed:
            if not stop.asked:  # else parts may have got the signal too
                raise
        except OSError as error:
            if stop.asked:  # the terminal may be gone
                return
            if not preflight.is_the_folder_s_fault(error):
                raise
            raise preflight.unusable(self._plan.data, error) from error
        finally:
            self._stop()

    def _announce(self) -> None:
        database_url = self._startup.environment["SUPPORTPLANE_DATABASE_URL"]
        link = make_link(self._plan, database_url)
        self._save_state("running")
        seconds = round(time.monotonic() - self._begun, 1)
        problems = self._startup.not_refreshed
        lines = greeting(self._plan, self._startup.embedded, key=self._startup.key, link=link, seconds=seconds)
        facts = ready_facts(self._plan, seconds, self._clock.seconds, problems)
        self._report.ready(facts, [*lines, *not_refreshed_block(problems)])
        self._startup.is_announced = True

    def _watch(self) -> None:
        """Restart what ends, keep logs small, for ever."""
        watches = [Watch(part) for part in self._startup.parts]
        next_rotation = time.monotonic()
        while True:
            now = time.monotonic()
            self._startup.poll()
            changes = [line for watch in watches for line in watch.tick(now)]
            for line in changes:
                self._report.say(line)
            if changes:
                self._save_state("running")
            if now > next_rotation:
                rotate(self._plan.data.logs)
                next_rotation = now + ROTATE_EVERY_S
            stop.pause(TICK_S)

    def _stop(self) -> None:
        """Newest first, so that nothing loses what it stands on; a second Ctrl-C kills."""
        startup = self._startup
        stop.hurry(startup.kill)
        if stop.asked:
            self._say_farewell()
        if startup.ingestion is not None:
            startup.ingestion.stop()
        for part in reversed(startup.parts):
            part.stop()
        self._plan.data.state.unlink(missing_ok=True)

    def _say_farewell(self) -> None:
        try:
            self._report.say("\nStopping; the data stays. Press Ctrl-C again to stop at once.")
        except OSError:  # the terminal is gone, and what Python still holds for it must not fail at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _save_state(self, phase: str) -> None:
        state = State(
            pid=os.getpid(),
            phase=phase,
            url=self._plan.url,
            agent_file=str(self._plan.agent.path),
            tenant=self._plan.tenant,
            started_at=self._started_at,
            version=__version__,
            environment=self._startup.environment,
            parts=tuple(part_state(self._plan, part) for part in self._startup.parts if part.is_running),
        )
        save_state(self._plan.data, state)


def part_state(plan: Plan, part: Part) -> PartState:
    import psutil

    try:
        created_at = psutil.Process(part.child.pid).create_time()
    except psutil.NoSuchProcess:
        created_at = 0.0
    log = str(plan.data.log(part.name))
    return PartState(part.name, part.child.pid, created_at, part.address, log)
