"""The answers in tests/judged that readers judged: what the shipped confidence was fitted on can be fitted again."""

import pytest

from support.repository import TESTS
from supportplane_runtime.evaluation import fits, judged
from supportplane_runtime.evaluation.fits import Example
from supportplane_runtime.rag.search import confidence

FILES = sorted((TESTS / "judged").glob("*.answers.jsonl"))


def test_the_shipped_confidence_is_the_fit_over_the_judged_answers() -> None:
    shipped = confidence.coefficients()["confidence"]
    rows = [row for path in FILES for row in judged.load(path) if row.verdict and row.features]
    examples = [Example(row.product, row.features, row.is_correct) for row in rows]
    intercept, *weights = fits.coefficients(examples, list(shipped.weights))
    assert shipped.intercept == pytest.approx(intercept, abs=0.01)
    assert list(shipped.weights.values()) == pytest.approx(weights, abs=0.01)


def test_the_judged_confidence_is_what_the_features_give() -> None:
    shipped = confidence.coefficients()["confidence"]
    for row in (row for path in FILES for row in judged.load(path) if row.features):
        assert row.confidence == pytest.approx(shipped.probability(confidence.Features(**row.features)), abs=0.002)


def test_at_least_three_hundred_answers_of_three_products_are_judged() -> None:
    products = {path.name: judged.load(path) for path in FILES if not path.name.startswith("supportplane")}
    assert len(products) == 3
    assert sum(row.verdict is not None for rows in products.values() for row in rows) >= 300
