"""The JSON document of a run, which programs read and the next run is compared with; docs/reference/evaluation.md.

Made from measured sets and read back into them. A document of another version is refused, never guessed at.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.evaluation.figures import Better, Figure, Kind, MeasuredSet, means
from supportplane_runtime.evaluation.metrics import Estimate

# A new field leaves the version; a field that changes its meaning or goes away counts it up.
VERSION: Final = 1


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class FigureRow(_Row):
    group: str
    key: str
    name: str
    unit: str = ""
    better: Better | None = None
    value: float | None
    low: float | None
    high: float | None
    count: int


class SetRow(_Row):
    """supportplane: the version that measured, measured_at: when, in UTC."""

    kind: Kind
    name: str
    contents: str
    supportplane: str
    measured_at: str
    facts: dict[str, Any]
    figures: tuple[FigureRow, ...]

    def measured(self) -> MeasuredSet:
        figures = [
            Figure(
                row.group,
                row.key,
                row.name,
                Estimate(row.value, row.low, row.high, row.count),
                unit=row.unit,
                better=row.better,
            )
            for row in self.figures
        ]
        return MeasuredSet(self.kind, self.name, self.contents, figures, self.facts)


class MeanRow(_Row):
    kind: Kind
    key: str
    value: float
    sets: int


class Run(_Row):
    version: int = Field(default=VERSION, alias="schema")
    sets: tuple[SetRow, ...] = ()
    means: tuple[MeanRow, ...] = ()

    @classmethod
    def of(cls, measured: Sequence[MeasuredSet], *, supportplane: str, measured_at: str) -> Self:
        return cls(
            sets=tuple(_set_row(each, supportplane, measured_at) for each in measured), means=tuple(_means(measured))
        )

    def measured(self, kind: Kind, name: str) -> MeasuredSet | None:
        return next((row.measured() for row in self.sets if (row.kind, row.name) == (kind, name)), None)

    def over(self, before: Self) -> Self:
        """This run with the sets of the one before that this one did not measure; means are of one run only."""
        ours = {(row.kind, row.name) for row in self.sets}
        kept = (row for row in before.sets if (row.kind, row.name) not in ours)
        return self.model_copy(update={"sets": (*self.sets, *kept)})


def parse(text: str, name: str) -> Run:
    """name: of the file. Raises InvalidRequest for what is no run, or one of another version."""
    try:
        run = Run.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InvalidRequest(f"{name} holds no figures of an evaluation: {where}: {first['msg']}.") from None
    if run.version != VERSION:
        raise InvalidRequest(
            f"{name} holds figures in the format {run.version}, this release reads the format {VERSION}. "
            "Measure again into another file."
        )
    return run


def _set_row(measured: MeasuredSet, supportplane: str, measured_at: str) -> SetRow:
    return SetRow(
        kind=measured.kind,
        name=measured.name,
        contents=measured.contents,
        supportplane=supportplane,
        measured_at=measured_at,
        facts=dict(measured.facts),
        figures=tuple(_figure_row(figure) for figure in measured.figures),
    )


def _figure_row(figure: Figure) -> FigureRow:
    estimate = figure.estimate
    return FigureRow(
        group=figure.group,
        key=figure.key,
        name=figure.name,
        unit=figure.unit,
        better=figure.better,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        count=estimate.count,
    )


def _means(measured: Sequence[MeasuredSet]) -> list[MeanRow]:
    return [
        MeanRow(kind=kind, key=mean.key, value=mean.value, sets=mean.sets)
        for kind, of_kind in groupby(measured, key=lambda each: each.kind)
        for mean in means(list(of_kind))
    ]
