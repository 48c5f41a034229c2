"""Shows figures: tables for people, one JSON document for machines (docs/reference/evaluation.md has its fields)."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from supportplane_cli import __version__
from supportplane_cli.console import emit, say, table
from supportplane_runtime.evaluation.figures import Figure, MeasuredSet, means
from supportplane_runtime.evaluation.metrics import Estimate

# Of the JSON document. A new field leaves it, a field that changes its meaning or goes away counts it up.
SCHEMA: Final = 1
MEAN: Final = "mean"


def show(measured: Sequence[MeasuredSet], *, as_json: bool) -> None:
    if as_json:
        emit(document(measured))
        return
    for each in measured:
        _show_set(each)
    for _, of_kind in groupby(measured, key=lambda each: each.kind):
        _show_side_by_side(list(of_kind))


def document(measured: Sequence[MeasuredSet]) -> dict[str, Any]:
    kinds = groupby(measured, key=lambda each: each.kind)
    return {
        "schema": SCHEMA,
        "supportplane": __version__,
        "sets": [
            {
                "kind": each.kind,
                "name": each.name,
                "contents": each.contents,
                "facts": dict(each.facts),
                "figures": [_facts(figure) for figure in each.figures],
            }
            for each in measured
        ],
        "means": [
            {"kind": kind, "key": mean.key, "value": mean.value, "sets": mean.sets}
            for kind, of_kind in kinds
            for mean in means(list(of_kind))
        ],
    }


def _facts(figure: Figure) -> dict[str, Any]:
    estimate = figure.estimate
    return {
        "group": figure.group,
        "key": figure.key,
        "name": figure.name,
        "unit": figure.unit,
        "better": figure.better,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "count": estimate.count,
    }


def _show_set(measured: MeasuredSet) -> None:
    facts = ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in measured.facts.items())
    say(f"{measured.name}: {facts}")
    for group, members in groupby(measured.figures, key=lambda figure: figure.group):
        shown = [figure for figure in members if figure.estimate.value is not None]
        if shown:
            table((group, "value", "95 %", "of"), [_row(figure) for figure in shown])


def _show_side_by_side(measured: Sequence[MeasuredSet]) -> None:
    """One row for each set and one for their mean. A single set stands above already."""
    if len(measured) < 2:
        return
    columns = {figure.key: figure.column for each in measured for figure in each.figures if figure.column}
    average = {mean.key: mean.value for mean in means(measured)}
    rows = [
        [each.name, *_cells({figure.key: figure.estimate.value for figure in each.figures}, columns)]
        for each in measured
    ]
    table((f"{len(measured)} sets", *columns.values()), [*rows, [MEAN, *_cells(average, columns)]])


def _cells(values: dict[str, Any], keys: Any) -> list[str]:
    return [_number(values.get(key)) or "-" for key in keys]


def _row(figure: Figure) -> tuple[str, str, str, str]:
    estimate = figure.estimate
    return figure.name, _number(estimate.value, figure.unit), _interval(estimate), str(estimate.count)


def _interval(estimate: Estimate) -> str:
    return f"{_number(estimate.low)} - {_number(estimate.high)}" if estimate.low is not None else ""


def _number(value: float | None, unit: str = "") -> str:
    return "" if value is None else f"{value:.3f}{' ' + unit if unit else ''}"
