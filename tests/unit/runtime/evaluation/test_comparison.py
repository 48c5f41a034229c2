import pytest

from supportplane_runtime.evaluation.comparison import Change, change, compare, worse
from supportplane_runtime.evaluation.figures import Better, Figure, Kind, MeasuredSet
from supportplane_runtime.evaluation.metrics import NOTHING, Estimate


def figure(value: float, low: float, high: float, better: Better | None = Better.HIGHER, key: str = "hit") -> Figure:
    return Figure("retrieval", key, "hit@1", Estimate(value, low, high, 50), better=better)


@pytest.mark.parametrize(
    ("now", "before", "better", "found"),
    [
        ((0.5, 0.4, 0.6), (0.9, 0.8, 0.95), Better.HIGHER, Change.WORSE),
        ((0.9, 0.8, 0.95), (0.5, 0.4, 0.6), Better.HIGHER, Change.BETTER),
        ((0.5, 0.4, 0.6), (0.9, 0.8, 0.95), Better.LOWER, Change.BETTER),
        ((0.9, 0.8, 0.95), (0.5, 0.4, 0.6), Better.LOWER, Change.WORSE),
        ((0.85, 0.7, 0.9), (0.9, 0.8, 0.95), Better.HIGHER, Change.SAME),
        ((0.99, 0.97, 1.0), (1.0, 1.0, 1.0), Better.HIGHER, Change.SAME),
        ((0.5, 0.4, 0.6), (0.9, 0.8, 0.95), None, None),
    ],
)
def test_a_change_counts_when_each_lies_outside_of_the_others_interval(
    now: tuple[float, float, float], before: tuple[float, float, float], better: Better | None, found: Change | None
) -> None:
    assert change(figure(*now, better), Estimate(*before, 50)) is found


def measured(*figures: Figure, contents: str = "same") -> MeasuredSet:
    return MeasuredSet(Kind.DATA, "shop", contents, figures)


def test_only_figures_that_both_runs_have_a_value_for_are_compared() -> None:
    empty = Figure("retrieval", "empty", "nothing", NOTHING, better=Better.HIGHER)
    now = measured(figure(0.5, 0.4, 0.6), figure(0.5, 0.4, 0.6, key="new"), empty)
    before = measured(figure(0.9, 0.8, 0.95), figure(0.5, 0.4, 0.6, key="gone"), empty)
    compared = compare(now, before)
    assert [each.figure.key for each in compared] == ["hit"]
    assert worse(compared) == compared


def test_sets_with_other_rows_are_not_compared() -> None:
    assert compare(measured(figure(0.5, 0.4, 0.6)), measured(figure(0.9, 0.8, 0.95), contents="other")) == []
