"""What the suite measured and what a person was told meanwhile: a table at the end of the run, and files for a note.

The folder of the files is named by SUPPORTPLANE_E2E_KEEP; without it only the table is made.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

KEEP = "SUPPORTPLANE_E2E_KEEP"


@dataclass(frozen=True, slots=True)
class Records:
    """By what was done: milestone -> seconds since then."""

    times: dict[str, dict[str, float]] = field(default_factory=dict)

    def add(self, what: str, milestone: str, seconds: float) -> None:
        self.times.setdefault(what, {})[milestone] = seconds

    def keep(self, name: str, text: str) -> None:
        folder = os.environ.get(KEEP)
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            Path(folder, f"{name}.txt").write_text(text)

    def lines(self) -> list[str]:
        width = max(map(len, self.times), default=0)
        return [f"{what:{width}}  {_said(milestones)}" for what, milestones in self.times.items()]


def _said(milestones: dict[str, float]) -> str:
    return ", ".join(f"{milestone} {seconds:.1f} s" for milestone, seconds in milestones.items())
