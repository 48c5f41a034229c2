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
from supportplane_cli.errors import PartFailed
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
    """What one knowledge base holds now and what this run changed."""

    knowledge_base: str
    documents: int
    chunks: int
    embedded: int
    deleted: int
    seconds: float
    skipped: Sequence[Mapping[str, Any]] = ()


IngestEvent = IngestProgress | IngestResult


class Ingestion:
    """One run over all knowledge bases of the agent file."""

    def __init__(self, environment: Mapping[str, str], log_file: Path) -> None:
        """Start it."""
        argv = (sys.executable, "-m", RUNTIME_MODULE, "knowledge")
        self.child = Child(
            ChildSpec(name="Ingestion", argv=argv, log_file=log_file, environment=environment, piped=True)
        )
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.results: list[IngestResult] = []

    def poll(self) -> list[IngestEvent]:
        """Events since the last call."""
        events = []
        while not self._lines.empty():
            event = parse_event(self._lines.get())
            if event is not None:
                events.append(event)
        self.results += [event for event in events if isinstance(event, IngestResult)]
        return events

    @property
    def is_finished(self) -> bool:
        """Ended, and everything it said was polled. Raises PartFailed when it ended with an error."""
        if self.child.is_running or self._reader.is_alive() or not self._lines.empty():
            return False
        if self.child.exit_code != 0:
            raise PartFailed(f"The knowledge base could not be read ({self.child.ending()}).{self.child.log_tail(1)}")
        self.child.stop()
        return True

    def stop(self) -> None:
        self.child.stop()

    def _read(self) -> None:
        pipe: IO[bytes] | None = self.child.stdout
        for line in pipe or ():
            self._lines.put(line)


def show(events: Iterable[IngestEvent], report: Reporter) -> None:
    """Pass progress on; results are told in one sentence at the end."""
    for event in events:
        if isinstance(event, IngestProgress):
            left = f", {event.eta_s:.0f} s left," if event.eta_s else ","
            report.progress("documents", f"{event.knowledge_base} {event.step}{left}", event.done, event.total)
        else:
            for entry in event.skipped:
                report.say(f"documents: left out {' '.join(map(str, entry.values()))}")


def sentence(result: IngestResult) -> str:
    changes = f"{result.embedded} new or changed, {result.deleted} removed"
    return f"{result.knowledge_base}: {result.documents} documents, {result.chunks} passages, {changes}"


def parse_event(line: bytes) -> IngestEvent | None:
    """None for a line that is no event: the child's libraries may print. Facts that nobody shows are passed over."""
    try:
        facts: dict[str, Any] = json.loads(line)
        kind = facts.pop("event")
        shape = {"progress": IngestProgress, "finished": IngestResult}.get(kind)
        known = {field.name for field in fields(shape)} if shape else ()
        return shape(**{name: value for name, value in facts.items() if name in known}) if shape else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
