"""What became better or worse between two runs over the same rows; pure, called by the command line.

Two figures differ when each lies outside of the other's 95 % interval. That misses small changes and cries wolf rarely:
with many figures and few questions a plain difference would mark half of a table after every run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from supportplane_runtime.evaluation.figures import Better, Figure, MeasuredSet
from supportplane_runtime.evaluation.metrics import Estimate


class Change(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    SAME = "about the same"


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure and what it was. change: None for a figure that has no better and no worse."""

    figure: Figure
    before: Estimate
    change: Change | None


def compare(now: MeasuredSet, before: MeasuredSet) -> list[Compared]:
    """The figures that both have a value for; none when the sets hold other rows."""
    if now.contents != before.contents:
        return []
    known = {figure.key: figure.estimate for figure in before.figures}
    return [
        Compared(figure, known[figure.key], change(figure, known[figure.key]))
        for figure in now.figures
        if figure.key in known and None not in {figure.estimate.value, known[figure.key].value}
    ]


def change(figure: Figure, before: Estimate) -> Change | None:
    now = figure.estimate
    if figure.better is None or now.value is None or before.value is None:
        return None
    if _holds(before, now.value) or _holds(now, before.value):
        return Change.SAME
    is_higher = now.value > before.value
    return Change.BETTER if is_higher is (figure.better is Better.HIGHER) else Change.WORSE


def _holds(estimate: Estimate, value: float) -> bool:
    """An estimate without an interval holds its own value only."""
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    return low is not None and high is not None and low <= value <= high


def worse(compared: Sequence[Compared]) -> list[Compared]:
    return [each for each in compared if each.change is Change.WORSE]
