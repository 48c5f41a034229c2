"""A confidence fitted on examples of several groups, and tested on each group by a fit over the others; pure.

A group is a product or a set of questions. What is fitted on two products looks good on these two; only a group that
the fit never saw tells what it is worth. Called by judged.py and by the command line's fitting.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from supportplane_runtime.evaluation import metrics
from supportplane_runtime.evaluation.metrics import Floats


@dataclass(frozen=True, slots=True)
class Example:
    """features: by name, of any size. is_positive: what the fit learns to foretell."""

    group: str
    features: Mapping[str, float]
    is_positive: bool


def shared_features(examples: Sequence[Example]) -> list[str]:
    """Those that every example has, sorted."""
    return sorted(set.intersection(*(set(example.features) for example in examples))) if examples else []


def coefficients(examples: Sequence[Example], names: Sequence[str]) -> Floats:
    """Intercept and a weight for each name, by a logistic regression in which every group weighs the same."""
    counts = Counter(example.group for example in examples)
    weights = np.array([len(examples) / (len(counts) * counts[example.group]) for example in examples])
    labels = np.array([float(example.is_positive) for example in examples])
    return metrics.logistic(_matrix(examples, names), labels, weights)


def left_out(examples: Sequence[Example]) -> list[float | None]:
    """The probability of each example, by a fit over all other groups.

    None where the other groups teach nothing: no feature that all share, or outcomes that are all alike.
    """
    names = shared_features(examples)
    found: dict[str, Floats] = {}
    for group in {example.group for example in examples}:
        others = [example for example in examples if example.group != group]
        if names and len({example.is_positive for example in others}) == 2:
            found[group] = coefficients(others, names)
    return [
        float(metrics.probability(_matrix([example], names), found[example.group])[0])
        if example.group in found
        else None
        for example in examples
    ]


def _matrix(examples: Sequence[Example], names: Sequence[str]) -> Floats:
    return np.array([[example.features[name] for name in names] for example in examples], np.float64)
