"""How sure retrieval is, from three numbers a person can read; pure, called by retriever.py with the whole ranking.

Two logistic models over the same features: that the first document answers the question (Retrieval.confidence), and
that the question belongs to what the knowledge is about at all (Retrieval.in_scope). Coefficients are in
confidence.json with what they were fitted on; `python -m supportplane_cli.evaluation.fitting` makes them
anew.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Final

from supportplane_runtime.domain.knowledge import Evidence
from supportplane_runtime.languages import language
from supportplane_runtime.rag.search.fusion import Search, phrase, similarity
from supportplane_runtime.rag.words.lexemes import TERM_SATURATION, lexemes

COEFFICIENTS: Final = "confidence.json"
# rarity() of a lexeme that half of all passages hold.
SUBJECT_RARITY: Final = math.log(2)
# Above the threshold by which the orchestrator tells in scope from out of scope, below what is sure of it.
NAMED_IN_SCOPE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Features:
    """All 0..1. Tried without gain: margin to the second document, z-score, agreement of both searches, length, what
    share of the question stands in the first passage, the similarity of its best sentence.
    """

    similarity: float  # of the question to the nearest passage
    keyword: float  # best BM25 of the question, of what a passage could reach that repeats all its words
    phrase: float  # how many of the question's neighbouring words are neighbours in the first passage


@dataclass(frozen=True, slots=True)
class Logistic:
    intercept: float
    weights: Mapping[str, float]

    def probability(self, features: Features) -> float:
        total = self.intercept + sum(weight * getattr(features, name) for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-total))


@dataclass(frozen=True, slots=True)
class Judgement:
    """Both 0..1, see Retrieval."""

    confidence: float
    in_scope: float


NOTHING_FOUND: Final = Judgement(confidence=0.0, in_scope=0.0)


def judge(searches: Sequence[Search], ranked: Sequence[Evidence], rarities: Mapping[str, float]) -> Judgement:
    """Searches and rarities: as given to fusion.fuse; ranked: all of what it returned."""
    if not ranked:
        return NOTHING_FOUND
    measured = features(searches, ranked, rarities)
    models = coefficients()
    in_scope = models["in_scope"].probability(measured)
    if names_subject(searches, rarities):
        in_scope = max(in_scope, NAMED_IN_SCOPE)
    return Judgement(models["confidence"].probability(measured), in_scope)


def names_subject(searches: Sequence[Search], rarities: Mapping[str, float]) -> bool:
    """Whether the question has a word that every other passage has: the product's name, in a product's documents.

    Such a question belongs to the subject however little of it was found: to a person it goes, not away.
    """
    asked = lexemes(searches[0].view.text, language(searches[0].collection.language))
    return any(rarities.get(word, math.inf) <= SUBJECT_RARITY for word in asked)


def features(searches: Sequence[Search], ranked: Sequence[Evidence], rarities: Mapping[str, float]) -> Features:
    question, first = searches[0].view, ranked[0].chunk
    asked = [search for search in searches if search.view == question]
    return Features(
        similarity=max((similarity(hit.score, each.unrelated) for each in asked for hit in each.nearest), default=0.0),
        keyword=_keyword(question.text, asked, rarities),
        phrase=phrase(question.text, first, rarities),
    )


def _keyword(question: str, asked: Sequence[Search], rarities: Mapping[str, float]) -> float:
    best = max((hit.score for each in asked for hit in each.keyword), default=0.0)
    wanted = lexemes(question, language(asked[0].collection.language))
    reachable = (TERM_SATURATION + 1) * sum(rarities.get(word, 0.0) for word in wanted)
    return min(1.0, best / reachable) if reachable else 0.0


@cache
def coefficients() -> Mapping[str, Logistic]:
    """The shipped models. Raises ValueError when one weighs something that Features does not have."""
    text = (resources.files("supportplane_runtime.rag.search") / COEFFICIENTS).read_text(encoding="utf-8")
    models = {
        name: Logistic(float(model["intercept"]), {key: float(value) for key, value in model["weights"].items()})
        for name, model in json.loads(text)["models"].items()
    }
    known = {field.name for field in fields(Features)}
    for name, model in models.items():
        if not model.weights.keys() <= known:
            raise ValueError(
                f"{COEFFICIENTS}: {name} weighs {sorted(model.weights.keys() - known)}, which is no feature"
            )
    return models
