"""Vectors to groups that mean the same: average linkage, from the nearest pair up to a least similarity.

Called by subjects.py. Average linkage by chains of nearest neighbours (Murtagh 1983): exact, in n * n steps of numpy.
The same vectors in the same order give the same groups.
"""

import numpy as np
from numpy.typing import NDArray

from supportplane_runtime.rag.embedding.interfaces import Vectors

NEVER = -np.inf


def clusters(vectors: Vectors, weights: NDArray[np.float32], *, least: float) -> list[list[int]]:
    """Rows that belong together, each group in ascending order, groups by their first row.

    vectors: rows of unit length. weights: how often each row counts in an average. least: two groups are one while the
    mean cosine between their rows is no less. 2,000 rows take 16 MB.
    """
    merging = _Merging(vectors, weights, least)
    for first in range(len(vectors)):
        merging.finish_chain_from(first)
    return sorted(sorted(members) for members in merging.members.values())


class _Merging:
    """cosines: between groups, by the row that stands for each; NEVER for one that is merged or can merge no more."""

    def __init__(self, vectors: Vectors, weights: NDArray[np.float32], least: float) -> None:
        self._cosines = vectors @ vectors.T
        np.fill_diagonal(self._cosines, NEVER)
        self._weights = weights.astype(np.float32)
        self._least = least
        self._open = np.ones(len(vectors), bool)
        self.members = {row: [row] for row in range(len(vectors))}

    def finish_chain_from(self, first: int) -> None:
        """Until ``first`` is merged into a group that can merge no more.

        No merge brings a group nearer to another than the nearer of its parts was. So two that are each other's nearest
        stay so, and one whose nearest is too far away is complete.
        """
        chain = [first] if self._open[first] else []
        while chain:
            group = chain[-1]
            nearest = self._nearest(group, chain[-2] if len(chain) > 1 else None)
            if nearest is None:
                self._close(group)
                chain.pop()
            elif len(chain) > 1 and nearest == chain[-2]:
                del chain[-2:]
                self._merge(nearest, group)
                if not chain:
                    chain = [nearest]
            else:
                chain.append(nearest)

    def _nearest(self, group: int, before: int | None) -> int | None:
        """Of several equally near the one before in the chain, so that a chain ends; None when all are too far."""
        row = self._cosines[group]
        nearest = int(row.argmax())
        if before is not None and row[before] >= row[nearest]:
            nearest = before
        return nearest if row[nearest] >= self._least else None

    def _merge(self, into: int, group: int) -> None:
        first, second = self._weights[into], self._weights[group]
        row = (first * self._cosines[into] + second * self._cosines[group]) / (first + second)
        row[into] = NEVER
        self._cosines[into], self._cosines[:, into] = row, row
        self._weights[into] = first + second
        self.members[into] += self.members.pop(group)
        self._close(group)

    def _close(self, group: int) -> None:
        self._cosines[:, group] = NEVER
        self._cosines[group] = NEVER
        self._open[group] = False
