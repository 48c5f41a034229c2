"""What people see while `up` starts and runs: a live list of steps on a terminal, plain lines elsewhere, or JSON lines.

A step is started, may make progress, and ends with how long it took. Remarks and troubles are lines of their own.
"""

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol, Self

from supportplane_cli.console import emit_line, say, terminal, visible


class Reporter(Protocol):
    """Used as a context manager around start and watch."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def started(self, step: str) -> None: ...
    def progress(self, step: str, detail: str, done: int, total: int) -> None: ...
    def finished(self, step: str, detail: str = "") -> None: ...
    def say(self, text: str) -> None: ...
    def notice(self, event: str, facts: dict[str, Any], lines: list[str]) -> None:
        """Something that machines want as facts and people as lines."""
        ...

    def ready(self, facts: dict[str, Any], lines: list[str]) -> None:
        """The agent answers. facts: for machines; lines: for people."""
        ...


class Clock:
    """Seconds a step took, by its name."""

    def __init__(self) -> None:
        self._begun: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    def begin(self, step: str) -> None:
        self._begun[step] = time.monotonic()

    def end(self, step: str) -> float:
        self.seconds[step] = round(time.monotonic() - self._begun.get(step, time.monotonic()), 2)
        return self.seconds[step]


class LineReporter:
    """One line an event; progress only when another tenth is done, so that a log stays readable."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tenths: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def started(self, step: str) -> None:
        self._clock.begin(step)

    def progress(self, step: str, detail: str, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if self._tenths.get(step) != tenth:
            self._tenths[step] = tenth
            self.say(f"{step}: {detail} {done} of {total}")

    def finished(self, step: str, detail: str = "") -> None:
        self.say(f"{step}: {detail or 'ready'} ({self._clock.end(step):.1f} s)")

    def say(self, text: str) -> None:
        say(text, flush=True)

    def notice(self, event: str, facts: dict[str, Any], lines: list[str]) -> None:  # noqa: ARG002
        for line in lines:
            self.say(line)

    def ready(self, facts: dict[str, Any], lines: list[str]) -> None:  # noqa: ARG002
        for line in lines:
            self.say(line)


class JsonReporter(LineReporter):
    """One JSON object a line: started, progress, finished, message, documents, ready."""

    def started(self, step: str) -> None:
        super().started(step)
        self._emit(event="started", step=step)

    def progress(self, step: str, detail: str, done: int, total: int) -> None:
        self._emit(event="progress", step=step, detail=detail, done=done, total=total)

    def finished(self, step: str, detail: str = "") -> None:
        self._emit(event="finished", step=step, detail=detail, seconds=self._clock.end(step))

    def say(self, text: str) -> None:
        self._emit(event="message", text=text)

    def notice(self, event: str, facts: dict[str, Any], lines: list[str]) -> None:  # noqa: ARG002
        self._emit(event=event, **facts)

    def ready(self, facts: dict[str, Any], lines: list[str]) -> None:  # noqa: ARG002
        self._emit(event="ready", **facts)

    def _emit(self, **facts: Any) -> None:
        emit_line(facts)


class TerminalReporter:
    """A spinner and a bar a step while it lasts; what is done scrolls up as a line."""

    def __init__(self, clock: Clock) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

        words = TextColumn("{task.description}", markup=False)
        columns = (SpinnerColumn(), words, BarColumn(bar_width=24), TimeElapsedColumn())
        self._clock = clock
        self._console = terminal()
        self._live = Progress(*columns, console=self._console, transient=True, refresh_per_second=4)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def started(self, step: str) -> None:
        self._clock.begin(step)
        if not self._tasks:
            self._live.start()  # only while something is under way: it hides the cursor
        self._tasks[step] = self._live.add_task(step, total=None)

    def progress(self, step: str, detail: str, done: int, total: int) -> None:
        description = visible(f"{step}: {detail} {done} of {total}")
        self._live.update(self._tasks[step], description=description, completed=done, total=total)

    def finished(self, step: str, detail: str = "") -> None:
        self._live.remove_task(self._tasks.pop(step))
        if not self._tasks:
            self._live.stop()
        from rich.text import Text

        seconds = (f"{self._clock.end(step):.1f} s", "dim")
        self._console.print(
            Text.assemble(("✓", "green"), visible(f" {step} "), seconds, (visible(f"  {detail}"), "dim"))
        )

    def say(self, text: str) -> None:
        self._console.print(visible(text), markup=False)

    def notice(self, event: str, facts: dict[str, Any], lines: list[str]) -> None:  # noqa: ARG002
        for line in lines:
            self.say(line)

    def ready(self, facts: dict[str, Any], lines: list[str]) -> None:  # noqa: ARG002
        for line in lines:
            self._console.print(visible(line), markup=False)


class SilentReporter:
    """Says nothing: for a command whose only output is its JSON."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def started(self, step: str) -> None: ...
    def progress(self, step: str, detail: str, done: int, total: int) -> None: ...
    def finished(self, step: str, detail: str = "") -> None: ...
    def say(self, text: str) -> None: ...
    def notice(self, event: str, facts: dict[str, Any], lines: list[str]) -> None: ...
    def ready(self, facts: dict[str, Any], lines: list[str]) -> None: ...


class LastingReporter:
    """Tells another reporter, and goes on in silence once the terminal is gone: an agent does not end with a window.

    Only who ignores SIGHUP, as `nohup` does, gets as far as that.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def __enter__(self) -> Self:
        with terminal_may_go():
            self._reporter.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with terminal_may_go():
            self._reporter.__exit__(kind, error, trace)

    def started(self, step: str) -> None:
        with terminal_may_go():
            self._reporter.started(step)

    def progress(self, step: str, detail: str, done: int, total: int) -> None:
        with terminal_may_go():
            self._reporter.progress(step, detail, done, total)

    def finished(self, step: str, detail: str = "") -> None:
        with terminal_may_go():
            self._reporter.finished(step, detail)

    def say(self, text: str) -> None:
        with terminal_may_go():
            self._reporter.say(text)

    def notice(self, event: str, facts: dict[str, Any], lines: list[str]) -> None:
        with terminal_may_go():
            self._reporter.notice(event, facts, lines)

    def ready(self, facts: dict[str, Any], lines: list[str]) -> None:
        with terminal_may_go():
            self._reporter.ready(facts, lines)


@contextmanager
def terminal_may_go() -> Iterator[None]:
    """What Python still holds for a terminal that is gone must not fail when the program ends (exit code 120)."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())


def make_reporter(clock: Clock, *, as_json: bool) -> Reporter:
    if as_json:
        return LastingReporter(JsonReporter(clock))
    return LastingReporter(TerminalReporter(clock) if terminal().is_terminal else LineReporter(clock))
