"""Shows figures: a table for people, one JSON document for machines."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from supportplane_cli.console import emit, say, table
from supportplane_runtime.evaluation.metrics import Estimate
from supportplane_runtime.evaluation.summary import Figure


def show(name: str, facts: dict[str, Any], figures: Sequence[Figure], *, as_json: bool) -> None:
    if as_json:
        emit({"data": name, **facts, "figures": [_facts(figure) for figure in figures]})
        return
    say(f"{name}: " + ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in facts.items()))
    for group, members in groupby(figures, key=lambda figure: figure.group):
        shown = [figure for figure in members if figure.estimate.value is not None]
        if shown:
            table((group, "value", "95 %", "of"), [_row(figure) for figure in shown])


def _facts(figure: Figure) -> dict[str, Any]:
    estimate = figure.estimate
    return {
        "group": figure.group,
        "key": figure.key,
        "name": figure.name,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "count": estimate.count,
    }


def _row(figure: Figure) -> tuple[str, str, str, str]:
    estimate = figure.estimate
    return figure.name, _number(estimate.value, figure.unit), _interval(estimate), str(estimate.count)


def _interval(estimate: Estimate) -> str:
    return f"{_number(estimate.low)} - {_number(estimate.high)}" if estimate.low is not None else ""


def _number(value: float | None, unit: str = "") -> str:
    return "" if value is None else f"{value:.3f}{' ' + unit if unit else ''}"
