import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportplane_runtime.rag.embedding.interfaces import Vectors
from supportplane_runtime.rag.grouping.clusters import clusters


def at(*degrees: float) -> Vectors:
    turns = np.radians(np.array(degrees))
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def grouped(vectors: Vectors, least: float, weights: list[float] | None = None) -> list[list[int]]:
    given = np.ones(len(vectors)) if weights is None else np.array(weights)
    return clusters(vectors, given.astype(np.float32), least=least)


def plainly(vectors: Vectors, least: float) -> list[list[int]]:
    """The definition: the two groups with the highest mean cosine are one, as long as that is high enough."""
    groups = [[row] for row in range(len(vectors))]
    while len(groups) > 1:
        means = {
            (a, b): float(np.mean(vectors[groups[a]] @ vectors[groups[b]].T))
            for a, b in combinations(range(len(groups)), 2)
        }
        (a, b), best = max(means.items(), key=lambda item: item[1])
        if best < least:
            break
        groups[a] += groups.pop(b)
    return sorted(sorted(each) for each in groups)


def test_what_is_near_is_one_group_and_what_is_far_another() -> None:
    assert grouped(at(0, 90, 5, 95, 200), math.cos(math.radians(30))) == [[0, 2], [1, 3], [4]]


@pytest.mark.parametrize("count", [0, 1])
def test_there_may_be_hardly_any(count: int) -> None:
    assert grouped(at(*[0.0] * count).reshape(count, 2), 0.5) == [[0]] * count


def test_a_chain_of_neighbours_is_not_one_group() -> None:
    chain = grouped(at(0, 20, 40, 60, 80, 100, 120, 140), math.cos(math.radians(30)))
    assert max(map(len, chain)) < 4


def test_a_row_that_counts_more_pulls_the_average() -> None:
    least = math.cos(math.radians(41))
    assert grouped(at(0, 30, 60), least) == [[0, 1], [2]]
    assert grouped(at(0, 30, 60), least, [1, 9, 1]) == [[0, 1, 2]]


@given(st.integers(0, 10_000), st.integers(2, 24), st.floats(-0.2, 0.9))
def test_chains_of_nearest_neighbours_find_what_the_definition_says(seed: int, count: int, least: float) -> None:
    vectors = np.random.default_rng(seed).normal(size=(count, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert grouped(vectors, least) == plainly(vectors, least)
