"""The measures, as pure functions of numbers and lists; nothing here knows an agent. Called by summary.py.

Shares come with Wilson's interval, everything else with a bootstrap over the questions; both at 95 %.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NORMAL_95: Final = 1.959964
RESAMPLES: Final = 1000
SEED: Final = 7
FOLDS: Final = 5
BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, its 95 % interval and over how many questions. value None: not a single one to measure it on."""

    value: float | None
    low: float | None = None
    high: float | None = None
    count: int = 0


NOTHING: Final = Estimate(None)


def share(marks: Sequence[float]) -> Estimate:
    """How many are true, with Wilson's interval, which is right for few and for extreme shares too.

    marks: 1 for true, 0 for false, between them for what is true as often.
    """
    n = len(marks)
    if not n:
        return NOTHING
    p, z2 = sum(marks) / n, NORMAL_95**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    spread = NORMAL_95 * np.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Estimate(p, max(0.0, float(middle - spread)), min(1.0, float(middle + spread)), n)


def bootstrapped(statistic: Callable[..., float | None], *columns: Sequence[float]) -> Estimate:
    """The statistic over the rows of the columns, and where it lies in 95 of 100 resamples of them."""
    arrays = [np.asarray(column, np.float64) for column in columns]
    n = len(arrays[0])
    value = statistic(*arrays) if n else None
    if value is None:
        return Estimate(None, count=n)
    random = np.random.default_rng(SEED)
    rows = (random.integers(0, n, n) for _ in range(RESAMPLES))
    sampled = [one for one in (statistic(*(array[row] for array in arrays)) for row in rows) if one is not None]
    low, high = np.percentile(sampled, [2.5, 97.5])
    return Estimate(value, float(low), float(high), n)


def mean(values: Floats) -> float:
    return float(values.mean())


def percentile_95(values: Floats) -> float:
    return float(np.percentile(values, 95))


def hit(ranking: Sequence[str], relevant: Sequence[str], k: int) -> bool:
    return not set(relevant).isdisjoint(ranking[:k])


def recall(ranking: Sequence[str], relevant: Sequence[str], k: int) -> float:
    wanted = set(relevant)
    return len(wanted & set(ranking[:k])) / len(wanted)


def auroc(scores: Floats, labels: Floats) -> float | None:
    """The chance that a positive scores higher than a negative, ties half. None without one of either."""
    positives, negatives = scores[labels > 0], scores[labels <= 0]
    if not len(positives) or not len(negatives):
        return None
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, side="left")
    equal = np.searchsorted(ordered, positives, side="right") - below
    return float((below + equal / 2).sum() / (len(positives) * len(negatives)))


def coverage_at_precision(scores: Floats, labels: Floats, precision: float = 0.95) -> float | None:
    """The largest share of all rows that a threshold lets through with this share of positives among them.

    Rows of equal score go through together.
    """
    if not len(scores):
        return None
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(labels[order] > 0) / np.arange(1, len(order) + 1)
    sorted_scores = scores[order]
    last_of_score = np.append(sorted_scores[1:] != sorted_scores[:-1], True)
    fine = np.flatnonzero((right >= precision) & last_of_score)
    return float((fine[-1] + 1) / len(order)) if len(fine) else 0.0


def calibration_error(probabilities: Floats, labels: Floats, bins: int = BINS) -> float | None:
    """ECE: mean distance of probability and outcome over bins of equal mass."""
    if not len(probabilities):
        return None
    parts = equal_bins(probabilities, bins)
    distances = [abs(probabilities[part].mean() - labels[part].mean()) * len(part) for part in parts]
    return float(sum(distances) / len(probabilities))


def equal_bins(scores: Floats, bins: int) -> list[NDArray[np.int64]]:
    """The rows of each bin, lowest scores first; as many rows in each as in the others, give or take one."""
    order = np.argsort(scores, kind="stable")
    return [part for part in np.array_split(order, bins) if len(part)]


def perfect_calibration_error(probabilities: Sequence[float], bins: int = BINS) -> Estimate:
    """The ECE of probabilities that are exactly right: what chance alone shows at this number of rows.

    Outcomes are drawn by the probabilities, again and again; the value is the mean.
    """
    known = np.asarray(probabilities, np.float64)
    if not len(known):
        return NOTHING
    random = np.random.default_rng(SEED)
    draws = ((random.random(len(known)) < known).astype(np.float64) for _ in range(RESAMPLES))
    errors = [error for labels in draws if (error := calibration_error(known, labels, bins)) is not None]
    low, high = np.percentile(errors, [2.5, 97.5])
    return Estimate(float(np.mean(errors)), float(low), float(high), len(known))


def refitted(probabilities: Floats, labels: Floats) -> Floats:
    """Each fifth of the rows, calibrated by two numbers (slope, intercept) that were fitted on the other four."""
    logits = np.log(np.clip(probabilities, 1e-4, 1 - 1e-4) / np.clip(1 - probabilities, 1e-4, 1))[:, None]
    fold = _folds(labels)
    result = np.empty_like(probabilities)
    for number in range(FOLDS):
        held = fold == number
        result[held] = probability(logits[held], logistic(logits[~held], labels[~held]))
    return result


def _folds(labels: Floats) -> NDArray[np.int64]:
    """The fold of each row; positives and negatives are spread evenly."""
    random = np.random.default_rng(SEED)
    fold = np.empty(len(labels), np.int64)
    for label in (False, True):
        rows = random.permutation(np.flatnonzero((labels > 0) == label))
        fold[rows] = np.arange(len(rows)) % FOLDS
    return fold


def logistic(features: Floats, labels: Floats, weights: Floats | None = None) -> Floats:
    """Intercept and coefficients of a logistic regression, by Newton's method; a trace of ridge against separation."""
    rows = np.column_stack([np.ones(len(features)), features])
    importance = np.ones(len(rows)) if weights is None else weights
    ridge = np.diag([0.0, *[0.01] * features.shape[1]])
    coefficients = np.zeros(rows.shape[1])
    for _ in range(50):
        predicted = 1 / (1 + np.exp(-(rows @ coefficients)))
        gradient = rows.T @ (importance * (labels - predicted)) - ridge @ coefficients
        curvature = (rows * (importance * predicted * (1 - predicted))[:, None]).T @ rows + ridge
        step = np.linalg.solve(curvature + 1e-9 * np.eye(len(curvature)), gradient)
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-8:
            break
    return coefficients


def probability(features: Floats, coefficients: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-(coefficients[0] + features @ coefficients[1:]))), np.float64)
