"""Shows figures: tables for people, one JSON document for machines (docs/reference/evaluation.md has its fields)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from supportplane_cli.console import emit, say, table
from supportplane_runtime.evaluation.comparison import Compared
from supportplane_runtime.evaluation.document import Run
from supportplane_runtime.evaluation.figures import Figure, MeasuredSet, means
from supportplane_runtime.evaluation.metrics import Estimate

MEAN: Final = "mean"


@dataclass(frozen=True, slots=True)
class Shown:
    """A set, and those of its figures that a run before had too."""

    measured: MeasuredSet
    compared: Sequence[Compared]


def show(shown: Sequence[Shown], run: Run, *, as_json: bool) -> None:
    """run: of the same sets."""
    if as_json:
        emit(_document(shown, run))
        return
    for each in shown:
        _show_set(each)
    for _, of_kind in groupby((each.measured for each in shown), key=lambda each: each.kind):
        _show_side_by_side(list(of_kind))


def _document(shown: Sequence[Shown], run: Run) -> dict[str, Any]:
    """The run, with `before` and `change` in each figure that was compared."""
    document = run.model_dump(mode="json", by_alias=True)
    for each, row in zip(shown, document["sets"], strict=True):
        compared = {one.figure.key: one for one in each.compared}
        for figure in row["figures"]:
            if one := compared.get(figure["key"]):
                figure |= {"before": one.before.value, "change": one.change}
    return document


def _show_set(shown: Shown) -> None:
    facts = ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in shown.measured.facts.items())
    say(f"{shown.measured.name}: {facts}")
    compared = {one.figure.key: one for one in shown.compared}
    more = ("before", "change") if compared else ()
    for group, members in groupby(shown.measured.figures, key=lambda figure: figure.group):
        known = [figure for figure in members if figure.estimate.value is not None]
        if known:
            rows = [[*_row(figure), *_past(compared.get(figure.key))[: len(more)]] for figure in known]
            table((group, "value", "95 %", "of", *more), rows)


def _past(compared: Compared | None) -> tuple[str, str]:
    if compared is None:
        return "-", ""
    return _number(compared.before.value, compared.figure.unit), compared.change or ""


def _show_side_by_side(measured: Sequence[MeasuredSet]) -> None:
    """One row for each set and one for their mean. A single set stands above already."""
    if len(measured) < 2:
        return
    columns = {figure.key: figure.column for each in measured for figure in each.figures if figure.column}
    rows = [(each.name, {figure.key: figure.estimate.value for figure in each.figures}) for each in measured]
    average: dict[str, float | None] = {mean.key: mean.value for mean in means(measured)}
    table(
        (f"{len(measured)} sets", *columns.values()),
        [[name, *_cells(values, columns)] for name, values in (*rows, (MEAN, average))],
    )


def _cells(values: Mapping[str, float | None], keys: Mapping[str, str]) -> list[str]:
    return [_number(values.get(key)) or "-" for key in keys]


def _row(figure: Figure) -> tuple[str, str, str, str]:
    estimate = figure.estimate
    return figure.name, _number(estimate.value, figure.unit), _interval(estimate), str(estimate.count)


def _interval(estimate: Estimate) -> str:
    return f"{_number(estimate.low)} - {_number(estimate.high)}" if estimate.low is not None else ""


def _number(value: float | None, unit: str = "") -> str:
    return "" if value is None else f"{value:.3f}{' ' + unit if unit else ''}"
