"""How well questions are grouped, by meaning and by words: thresholds tried on half of the intents of banking77.

Run by hand: pytest -s tests/bench/test_gap_grouping.py. The other half tells what the chosen threshold is worth.
"""

import json
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from supportplane_runtime.languages import language
from supportplane_runtime.rag.embedding.e5 import E5Encoder
from supportplane_runtime.rag.embedding.interfaces import Vectors
from supportplane_runtime.rag.embedding.local import Encoder
from supportplane_runtime.rag.embedding.minilm import MiniLMEncoder
from supportplane_runtime.rag.grouping.clusters import clusters
from supportplane_runtime.rag.grouping.subjects import LEAST_SIMILARITY
from supportplane_runtime.rag.words.lexemes import lexemes

QUESTIONS = 1500
SHARES = [number / 20 for number in range(4, 15)]
WORD_COSINES = [0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3]
Sample = list[tuple[str, str]]  # intent, question


@pytest.fixture(scope="module")
def halves(shared_data: Path) -> tuple[Sample, Sample]:
    lines = (shared_data / "data" / "banking77" / "questions.dev.jsonl").read_text().splitlines()
    rows = [(row["intent"], row["question"]) for row in map(json.loads, lines)]
    intents = sorted({intent for intent, _ in rows})
    random.Random(7).shuffle(intents)  # noqa: S311 - a seeded half, no secret
    first = set(intents[: len(intents) // 2])
    return sample([row for row in rows if row[0] in first]), sample([row for row in rows if row[0] not in first])


def sample(rows: Sample) -> Sample:
    random.Random(11).shuffle(rows)  # noqa: S311
    return rows[:QUESTIONS]


def by_words(texts: Sequence[str]) -> Vectors:
    counts = [lexemes(text, language("en")) for text in texts]
    held = Counter(word for each in counts for word in each)
    places = {word: place for place, word in enumerate(held)}
    vectors = np.zeros((len(texts), len(places)), np.float32)
    for row, each in zip(vectors, counts, strict=True):
        for word in each:
            row[places[word]] = math.log(len(texts) / held[word])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths), np.float32)


def judged(rows: Sample, vectors: Vectors, least: float) -> tuple[float, float, int]:
    """F1 of pairs, purity, and how many groups."""
    found = clusters(vectors, np.ones(len(vectors), np.float32), least=least)
    intents = [Counter(rows[each][0] for each in group) for group in found]
    pairs = sum(math.comb(len(group), 2) for group in found)
    right = sum(math.comb(count, 2) for each in intents for count in each.values())
    wanted = sum(math.comb(count, 2) for count in Counter(intent for intent, _ in rows).values())
    purity = sum(max(each.values()) for each in intents) / len(rows)
    return 2 * right / (pairs + wanted), purity, len(found)


def compare(
    name: str, halves: tuple[Sample, Sample], embed: Callable[[Sequence[str]], Vectors], leasts: Sequence[float]
) -> tuple[float, float]:
    """The best threshold of the first half, and its F1 on the second."""
    first, second = (embed([question for _, question in half]) for half in halves)
    best = max(leasts, key=lambda least: judged(halves[0], first, least)[0])
    chosen, other = judged(halves[0], first, best), judged(halves[1], second, best)
    print(
        f"{name}: least {best:.3f}; chosen on F1 {chosen[0]:.3f}, purity {chosen[1]:.2f}, {chosen[2]} groups;", end=" "
    )
    print(f"other half F1 {other[0]:.3f}, purity {other[1]:.2f}, {other[2]} groups")
    return best, other[0]


@pytest.mark.slow
@pytest.mark.timeout(1800)  # e5 takes 10 ms a question on an idle processor and 80 on a busy one
@pytest.mark.parametrize("kind", [MiniLMEncoder, E5Encoder])
def test_meaning_groups_better_than_words(kind: Callable[[], Encoder], halves: tuple[Sample, Sample]) -> None:
    encoder = kind()
    leasts = [encoder.unrelated + share * (1 - encoder.unrelated) for share in SHARES]

    def embed(texts: Sequence[str]) -> Vectors:
        return np.stack([encoder.query(text) for text in texts])

    _, words = compare("words", halves, by_words, WORD_COSINES)
    best, meaning = compare(encoder.name, halves, embed, leasts)

    assert best == pytest.approx(encoder.unrelated + LEAST_SIMILARITY * (1 - encoder.unrelated))
    assert meaning > words
