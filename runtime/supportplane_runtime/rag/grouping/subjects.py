"""Questions to the subjects that they are about, each with the question in its middle; pure.

Equal questions are one, as are those whose vectors are near. Only vectors of one embedder are compared, so questions
that nobody has embedded yet stand alone, unless an equal one has been embedded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from supportplane_runtime.rag.embedding.interfaces import Vectors
from supportplane_runtime.rag.grouping.clusters import clusters

# Of the way from the cosine of unrelated texts to 1. The best F1 of pairs on 32 intents of banking77, on the other 33
# F1 0.65 with MiniLM and 0.45 with e5, purity 0.81 and 0.74; grouping by words has 0.35 and 0.58 there at its best
# (tests/bench/test_gap_grouping.py).
LEAST_SIMILARITY: Final = 0.5


@dataclass(frozen=True, slots=True)
class EmbeddedQuestion:
    """embedder "": not embedded. vector: float32, little-endian, of unit length. unrelated: as in Embedder."""

    text: str
    embedder: str = ""
    unrelated: float = 0.0
    vector: bytes = b""


def subjects(questions: Sequence[EmbeddedQuestion]) -> list[list[int]]:
    """Positions of the questions of each subject, its most central question first, the others in the order given."""
    equal = _equal(questions)
    by_embedder: dict[str, list[list[int]]] = {}
    for positions in equal:
        by_embedder.setdefault(_best(questions, positions).embedder, []).append(positions)
    return [
        subject
        for embedder, entries in by_embedder.items()
        for subject in (_near(questions, entries) if embedder else entries)
    ]


def _equal(questions: Sequence[EmbeddedQuestion]) -> list[list[int]]:
    """Positions of the questions that are equal but for case, spacing and punctuation at the end."""
    found: dict[str, list[int]] = {}
    for position, question in enumerate(questions):
        found.setdefault(" ".join(question.text.casefold().split()).rstrip("?!. "), []).append(position)
    return list(found.values())


def _best(questions: Sequence[EmbeddedQuestion], positions: Sequence[int]) -> EmbeddedQuestion:
    """The first that is embedded, of equal ones."""
    return next((questions[each] for each in positions if questions[each].embedder), questions[positions[0]])


def _near(questions: Sequence[EmbeddedQuestion], entries: Sequence[list[int]]) -> list[list[int]]:
    """entries: positions of equal questions; all were embedded by one embedder."""
    best = [_best(questions, positions) for positions in entries]
    vectors: Vectors = np.stack([np.frombuffer(each.vector, "<f4") for each in best]).astype(np.float32)
    weights = np.array([len(positions) for positions in entries], np.float32)
    least = best[0].unrelated + LEAST_SIMILARITY * (1 - best[0].unrelated)
    return [
        [position for entry in _central_first(vectors, weights, members) for position in entries[entry]]
        for members in clusters(vectors, weights, least=least)
    ]


def _central_first(vectors: Vectors, weights: NDArray[np.float32], members: list[int]) -> list[int]:
    """The one with the highest mean cosine to all of the group."""
    middle = weights[members] @ vectors[members]
    central = members[int((vectors[members] @ middle).argmax())]
    return [central, *(each for each in members if each != central)]
