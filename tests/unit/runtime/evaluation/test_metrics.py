import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportplane_runtime.evaluation import metrics


def floats(*values: float) -> metrics.Floats:
    return np.array(values, np.float64)


def test_a_share_has_wilsons_interval() -> None:
    found = metrics.share([True] * 40 + [False] * 4)
    assert found.value == pytest.approx(0.909, abs=0.001)
    assert found.low == pytest.approx(0.788, abs=0.001)
    assert found.high == pytest.approx(0.964, abs=0.001)
    assert found.count == 44


def test_a_perfect_share_is_not_certain() -> None:
    found = metrics.share([True] * 10)
    assert found.value == 1.0
    assert found.low is not None
    assert found.low < 0.8


def test_no_rows_give_no_value() -> None:
    assert metrics.share([]).value is None
    assert metrics.bootstrapped(metrics.mean, []).value is None


def test_a_bootstrap_repeats_exactly_and_holds_the_value() -> None:
    values = [0.0, 1.0, 1.0, 0.5, 0.25] * 10
    first, second = (metrics.bootstrapped(metrics.mean, values) for _ in range(2))
    assert first == second
    assert first.low is not None
    assert first.high is not None
    assert first.value is not None
    assert first.low < first.value < first.high


def test_hit_looks_at_the_first_k() -> None:
    assert metrics.hit(["a", "b"], ["b"], 2)
    assert not metrics.hit(["a", "b"], ["b"], 1)
    assert not metrics.hit([], ["b"], 5)


def test_recall_is_the_share_of_the_relevant_found() -> None:
    assert metrics.recall(["a", "b", "c"], ["b", "z"], 5) == 0.5
    assert metrics.recall(["a", "b", "c"], ["c"], 2) == 0.0


def test_auroc_of_perfect_reversed_and_equal_scores() -> None:
    labels = floats(1, 1, 0, 0)
    assert metrics.auroc(floats(4, 3, 2, 1), labels) == 1.0
    assert metrics.auroc(floats(1, 2, 3, 4), labels) == 0.0
    assert metrics.auroc(floats(1, 1, 1, 1), labels) == 0.5
    assert metrics.auroc(floats(3, 1, 2, 0), labels) == 0.75


def test_auroc_needs_both_kinds() -> None:
    assert metrics.auroc(floats(1, 2), floats(1, 1)) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_auroc_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    positives = [score for score, label in rows if label]
    negatives = [score for score, label in rows if not label]
    pairs = [(p > n) + (p == n) / 2 for p in positives for n in negatives]
    found = metrics.auroc(floats(*(s for s, _ in rows)), floats(*(float(label) for _, label in rows)))
    assert found == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


def test_coverage_is_the_most_that_keeps_the_precision() -> None:
    scores, labels = floats(0.9, 0.8, 0.7, 0.6), floats(1, 1, 0, 1)
    assert metrics.coverage_at_precision(scores, labels) == 0.5
    assert metrics.coverage_at_precision(scores, labels, 0.75) == 1.0
    assert metrics.coverage_at_precision(floats(0.9, 0.8), floats(0, 1)) == 0.0


def test_equal_scores_go_through_together() -> None:
    assert metrics.coverage_at_precision(floats(0.9, 0.9, 0.1), floats(1, 0, 0)) == 0.0


def test_calibration_error_of_right_and_of_wrong_confidence() -> None:
    labels = floats(*[1, 0] * 50)
    assert metrics.calibration_error(np.full(100, 0.5), labels) == pytest.approx(0.0)
    assert metrics.calibration_error(np.full(100, 0.9), np.zeros(100)) == pytest.approx(0.9)


def test_logistic_regression_finds_what_made_the_labels() -> None:
    random = np.random.default_rng(1)
    features = random.normal(size=(4000, 2))
    labels = (random.random(4000) < 1 / (1 + np.exp(-(0.5 + features @ [2.0, -1.0])))).astype(np.float64)
    assert metrics.logistic(features, labels) == pytest.approx([0.5, 2.0, -1.0], abs=0.2)


def test_logistic_regression_ends_on_separated_rows() -> None:
    found = metrics.logistic(np.array([[0.0], [1.0]]), floats(0, 1))
    assert np.isfinite(found).all()


def test_refitting_repairs_a_confidence_that_is_too_sure() -> None:
    random = np.random.default_rng(2)
    truth = random.uniform(0.2, 0.8, 1000)
    labels = (random.random(1000) < truth).astype(np.float64)
    too_sure = 1 / (1 + np.exp(-4 * np.log(truth / (1 - truth))))
    before, after = (
        metrics.calibration_error(too_sure, labels),
        metrics.calibration_error(metrics.refitted(too_sure, labels), labels),
    )
    assert before is not None
    assert after is not None
    assert after < before / 2


def test_a_perfect_confidence_has_an_error_of_chance_that_many_rows_take_away() -> None:
    few, many = (metrics.perfect_calibration_error([0.5] * count, 5).value for count in (20, 2000))
    assert few is not None
    assert many is not None
    assert few > 0.1
    assert many < 0.03
    assert metrics.perfect_calibration_error([]).value is None
