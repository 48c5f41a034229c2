"""What a measurement ends with: named figures of a set; the makers are summary.py, claims.py and judged.py.

Every maker gives the same shape, so that one table, one JSON document and one comparison fit them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from supportplane_runtime.evaluation.metrics import Estimate


class Kind(StrEnum):
    """What was measured."""

    DATA = "data"  # questions asked of documents
    CLAIMS = "claims"  # sentences put before a judge
    JUDGED = "judged"  # answers that a reader judged


class Better(StrEnum):
    """Which way a figure improves."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Figure:
    """key: stable, for machines. unit: "" for shares and areas, "s" for seconds.

    better: None for what is no merit of the agent (a baseline, a share to know) or hangs on the machine (a time).
    column: its heading in the table that has a row for each set; "" for a figure that the table leaves out.
    """

    group: str
    key: str
    name: str
    estimate: Estimate
    unit: str = ""
    better: Better | None = None
    column: str = ""


@dataclass(frozen=True, slots=True)
class MeasuredSet:
    """The figures of one set of one kind. contents: fingerprint of the rows, see rows.py. facts: counts, for people."""

    kind: Kind
    name: str
    contents: str
    figures: Sequence[Figure]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mean:
    """A figure's plain mean over the sets that have it: each set counts the same, however long it is."""

    key: str
    value: float
    sets: int


def means(measured: Sequence[MeasuredSet]) -> list[Mean]:
    """Of every figure, in the order of the first set that has it."""
    values: dict[str, list[float]] = {}
    for each in measured:
        for figure in each.figures:
            if figure.estimate.value is not None:
                values.setdefault(figure.key, []).append(figure.estimate.value)
    return [Mean(key, sum(known) / len(known), len(known)) for key, known in values.items()]
