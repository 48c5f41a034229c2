"""Runs the runtime's `knowledge` role as a child and turns its JSON lines into events, without ever waiting for it.

A thread reads the pipe (the child would stop when it is full); `poll` hands over what has arrived.
"""

import json
import queue
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any

from supportplane_cli.embedded.process import Child, ChildSpec
from supportplane_cli.readings import unnamed_line
from supportplane_cli.supervisor.parts import RUNTIME_MODULE
from supportplane_cli.supervisor.report import Reporter


@dataclass(frozen=True, slots=True)
class IngestProgress:
    knowledge_base: str
    step: str
    done: int
    total: int
    eta_s: float | None = None


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What one knowledge base holds now and what this run changed.

    skipped: files, by name and reason. unread: sources, by name and reason. unselected: per source, how many files of
    which suffix no pattern selects.
    """

    knowledge_base: str
    documents: int
    chunks: int
    embedded: int
    deleted: int
    seconds: float
    skipped: Sequence[Mapping[str, Any]] = ()
    unread: Sequence[Mapping[str, Any]] = ()
    unselected: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class IngestFailure:
    """A knowledge base of which nothing was brought in, and why: a sentence."""

    knowledge_base: str
    reason: str
    skipped: Sequence[Mapping[str, Any]] = ()
    unread: Sequence[Mapping[str, Any]] = ()
    unselected: Sequence[Mapping[str, Any]] = ()


IngestOutcome = IngestResult | IngestFailure
IngestEvent = IngestProgress | IngestOutcome


SHAPES = {"progress": IngestProgress, "finished": IngestResult, "failed": IngestFailure}


class Ingestion:
    """One run over all knowledge bases of the agent file."""

    def __init__(self, environment: Mapping[str, str], log_file: Path, knowledge_bases: Sequence[str]) -> None:
        """Start it."""
        argv = (sys.executable, "-m", RUNTIME_MODULE, "knowledge")
        self.child = Child(
            ChildSpec(name="Ingestion", argv=argv, log_file=log_file, environment=environment, piped=True)
        )
        self._knowledge_bases = tuple(knowledge_bases)
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.outcomes: list[IngestOutcome] = []

    def poll(self) -> list[IngestEvent]:
        """Events since the last call."""
        events = []
        while not self._lines.empty():
            event = parse_event(self._lines.get())
            if event is not None:
                events.append(event)
        self.outcomes += [event for event in events if not isinstance(event, IngestProgress)]
        return events

    @property
    def is_finished(self) -> bool:
        """Ended, and everything it said was polled."""
        if self.child.is_running or self._reader.is_alive() or not self._lines.empty():
            return False
        self.child.stop()
        return True

    def untold(self) -> list[IngestFailure]:
        """Of a finished run: the knowledge bases that it never came to, because it was killed or broke."""
        if self.child.exit_code == 0:
            return []
        told = {outcome.knowledge_base for outcome in self.outcomes}
        reason = f"The reading ended before its time ({self.child.ending()}).{self.child.log_tail(1)}"
        return [IngestFailure(name, reason) for name in self._knowledge_bases if name not in told]

    def stop(self) -> None:
        self.child.stop()

    def _read(self) -> None:
        pipe: IO[bytes] | None = self.child.stdout
        for line in pipe or ():
            self._lines.put(line)


def not_refreshed(outcomes: Iterable[IngestOutcome]) -> list[dict[str, str]]:
    """What could not be read: knowledge base and reason, a source each where the rest was read."""
    found = []
    for outcome in outcomes:
        reasons = (
            [outcome.reason] if isinstance(outcome, IngestFailure) else [each["reason"] for each in outcome.unread]
        )
        found += [{"knowledge_base": outcome.knowledge_base, "reason": reason} for reason in reasons]
    return found


def show(events: Iterable[IngestEvent], report: Reporter, *, most_named: int | None = None) -> None:
    """Pass progress on, and say what was left out. most_named: files of a knowledge base; None: all."""
    for event in events:
        if isinstance(event, IngestProgress):
            left = f", {event.eta_s:.0f} s left," if event.eta_s else ","
            report.progress("documents", f"{event.knowledge_base} {event.step}{left}", event.done, event.total)
        else:
            for line in remarks(event, most_named):
                report.say(f"documents: {line}")


def remarks(outcome: IngestOutcome, most_named: int | None = None) -> list[str]:
    """Lines about what is not in the index although it lies in a source."""
    named = outcome.skipped[:most_named]
    lines = [f"left out {each['name']} {each['reason']}" for each in named]
    if len(named) < len(outcome.skipped):
        lines.append(unnamed_line(len(outcome.skipped) - len(named), outcome.knowledge_base))
    return lines + [unselected_line(outcome.knowledge_base, each) for each in outcome.unselected]


def unselected_line(knowledge_base: str, facts: Mapping[str, Any]) -> str:
    counted = ", ".join(f"{number} {suffix}" for suffix, number in facts["files"])
    return f"{knowledge_base}/{facts['source']}: no include pattern selects these files: {counted}"


def sentence(result: IngestOutcome) -> str:
    if isinstance(result, IngestFailure):
        return f"{result.knowledge_base}: not read"
    changes = f"{result.embedded} new or changed, {result.deleted} removed"
    return f"{result.knowledge_base}: {result.documents} documents, {result.chunks} passages, {changes}"


def parse_event(line: bytes) -> IngestEvent | None:
    """None for a line that is no event: the child's libraries may print. Facts that nobody shows are passed over."""
    try:
        facts: dict[str, Any] = json.loads(line)
        kind = facts.pop("event")
        shape = SHAPES.get(kind)
        known = {field.name for field in fields(shape)} if shape else ()
        return shape(**{name: value for name, value in facts.items() if name in known}) if shape else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
