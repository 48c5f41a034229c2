"""How sure retrieval is, from four numbers a person can read; pure, called by retriever.py with the whole ranking.

Two logistic models over the same features: that what is quoted answers the question (Retrieval.confidence), fitted on
judged answers, and that the question belongs to what the knowledge is about at all (Retrieval.in_scope). None depends
on how much there is about something else. Coefficients are in confidence.json with what they were fitted on; `python
-m supportplane_cli.evaluation.fitting` makes them anew.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from importlib import resources
from typing import Final

from supportplane_runtime.domain.knowledge import Chunk, Evidence
from supportplane_runtime.languages import Language, language
from supportplane_runtime.rag.search.fusion import Search, similarity
from supportplane_runtime.rag.words.lexemes import TERM_SATURATION, lexemes, searched
from supportplane_runtime.rag.words.searchable import searchable_text
from supportplane_runtime.rag.words.units import message_sentences

COEFFICIENTS: Final = "confidence.json"
# rarity() of a lexeme that half of all passages hold.
SUBJECT_RARITY: Final = math.log(2)
# A small handbook is judged as if it stood among so many passages about something else, so that adding them changes
# nothing: how rare a word is shows only in many passages. ADR 0033.
LEAST_PASSAGES: Final = 300
# Above the threshold by which the orchestrator tells in scope from out of scope, below what is sure of it.
NAMED_IN_SCOPE: Final = 0.5
# Passages behind the first that the first is compared with. Of 1, 2, 4 and 5 the last told most.
BEHIND: Final = 5
# A shorter sentence, such as `It works.`, asks nothing.
LEAST_WORDS: Final = 3
# The median over 300 judged answers.
USUAL_LEAD: Final = 0.21
# The part of what was said before in the similarity of a follow-up. ADR 0033: of both weights, as fitted on 249
# questions, a third of which have a conversation.
EXCHANGE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Features:
    """All 0..1. Tried on 300 judged answers without gain: the phrase share, names that no passage holds, the rarest
    word that was not found, agreement of both searches, length of the question and of the passage. ADR 0045.
    """

    similarity: float  # of the question to the first passage, with a part for what was said before
    exchange: float  # of the question with what was said before it to the nearest passage; alone it is the question
    keyword: float  # how much of the words of one of the question's sentences, by rarity, the first passage has
    lead: float  # what part of the similarity the passages behind the first lack, on average


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


@dataclass(frozen=True, slots=True)
class Found:
    """Everything a judgement rests on, in the order in which it came about.

    searches and rarities: as given to fusion.fuse. ranked: all of what it returned. chunks: how many there are in all.
    """

    searches: Sequence[Search]
    rarities: Mapping[str, float]
    ranked: Sequence[Evidence]
    chunks: int


def judge(found: Found) -> Judgement:
    if not found.ranked:
        return NOTHING_FOUND
    measured = features(found)
    models = coefficients()
    in_scope = models["in_scope"].probability(measured)
    if names_subject(found.searches, found.rarities):
        in_scope = max(in_scope, NAMED_IN_SCOPE)
    return Judgement(models["confidence"].probability(measured), in_scope)


def scored(evidence: Sequence[Evidence], confidence: float) -> list[Evidence]:
    """The first passage has the confidence as its score, the others in proportion, so scores of several knowledge bases
    can be compared, and those of one do not depend on what else it holds.
    """
    best = evidence[0].score if evidence else 0.0
    return [replace(each, score=confidence * each.score / best if best > 0 else 0.0) for each in evidence]


def names_subject(searches: Sequence[Search], rarities: Mapping[str, float]) -> bool:
    """Whether the question has a word that every other passage has: the product's name, in a product's documents.

    Such a question belongs to the subject however little of it was found: to a person it goes, not away.
    """
    asked = searched(searches[0].view.text, language(searches[0].collection.language))
    return any(rarities.get(word, math.inf) <= SUBJECT_RARITY for word in asked)


def features(found: Found) -> Features:
    """found: something, not nothing."""
    question, ranked = found.searches[0].view, found.ranked
    alone = [search for search in found.searches if search.view == question]
    before = [search for search in found.searches if search.view.of_exchange] or alone
    first = ranked[0].chunk
    rarities = _among_many(found.rarities, found.chunks)
    alike = (1 - EXCHANGE) * _similarity(alone, first) + EXCHANGE * _similarity(before, first)
    return Features(
        similarity=alike,
        exchange=_similarity(before),
        keyword=_keyword(question.text, first, rarities),
        lead=alike * _lead([each.score for each in ranked]),
    )


def _similarity(searches: Iterable[Search], chunk: Chunk | None = None) -> float:
    """The best one of any passage, or of this one."""
    found = (
        similarity(hit.score, each.unrelated)
        for each in searches
        for hit in each.nearest
        if chunk is None or hit.chunk.chunk_id == chunk.chunk_id
    )
    return max(found, default=0.0)


def _lead(scores: Sequence[float]) -> float:
    """How far the passages behind the first fall back on average, 0..1; where there are none, as far as usual."""
    if scores[0] <= 0:
        return 0.0
    behind = [score / scores[0] for score in scores[1 : 1 + BEHIND]]
    unknown = [1 - USUAL_LEAD] * (BEHIND - len(behind))
    return 1 - sum((*behind, *unknown)) / BEHIND


def _among_many(rarities: Mapping[str, float], chunks: int) -> Mapping[str, float]:
    """What lexemes.rarity would be among LEAST_PASSAGES at least, the others without any of the words."""
    lifted = max(0.0, math.log((LEAST_PASSAGES + 1) / (chunks + 1)))
    return {word: rarity + lifted for word, rarity in rarities.items()}


def _keyword(question: str, chunk: Chunk, rarities: Mapping[str, float]) -> float:
    """Of the sentence of which the passage has most: what else a customer tells makes no passage worse.

    Like BM25 of what it could reach, without the lengths of other passages.
    """
    known = language(chunk.language)
    held = _held(searchable_text(chunk), known)
    asked = [lexemes(text, known) for text in message_sentences(question)]
    asked = [words for words in asked if len(words) >= LEAST_WORDS] or [lexemes(question, known)]
    return max(_share({word: rarities.get(word, 0.0) for word in words}, held) for words in asked)


def _share(wanted: Mapping[str, float], held: Counter[str]) -> float:
    total = sum(wanted.values())
    said = sum(rare * held[word] / (held[word] + TERM_SATURATION) for word, rare in wanted.items())
    return said / total if total else 0.0


# As for fusion's neighbours: the leaders are mostly the same few hundred passages.
@lru_cache(maxsize=2048)
def _held(text: str, known: Language) -> Counter[str]:
    return lexemes(text, known)


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
