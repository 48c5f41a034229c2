"""Ranks what several searches found for a turn; pure, called by retriever.py.

A turn is looked at in three views: the question, the question with the exchange before it, and our last answer, because
half of all follow-ups name their subject only there. Each view is searched by words and by meaning; scores are divided
by the best of their search and added up, words the less the fewer there are. Measured: ADR 0004 and ADR 0033.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from supportplane_runtime.domain.answer import Outcome
from supportplane_runtime.domain.conversation import Message, Role
from supportplane_runtime.domain.knowledge import Chunk, Evidence
from supportplane_runtime.languages import Language, language
from supportplane_runtime.rag.index.interfaces import Collection, Hit
from supportplane_runtime.rag.words.lexemes import searched
from supportplane_runtime.rag.words.searchable import searchable_text
from supportplane_runtime.rag.words.units import message_sentences

# Of 20 combinations tried; neighbouring values rank alike within two questions of 125.
QUESTION_WEIGHT: Final = 1.0
EXCHANGE_WEIGHT: Final = 1.0
PREVIOUS_ANSWER_WEIGHT: Final = 0.6
# A view of so many words trusts the search by words half as much as the search by meaning; one of many words nearly as
# much. The one word of "work with it?" stands in many passages that answer something else. ADR 0033.
FEW_WORDS: Final = 2
# A passage that one search found and the other did not has half of the last that the other found: it may have anything
# from none to all of that. ADR 0033.
NOT_FOUND: Final = 0.5
# What the question's neighbouring words add where they are neighbours in the passage: mongodb_faq hit@1 0.89 -> 0.91.
PHRASE_WEIGHT: Final = 0.3
# Of a page's second-best passage, added to all of that page: hit@1 of the tuning halves of tests/judged 0.80 -> 0.86
# (bookstack), 0.65 -> 0.70 (mailcow), 0.85 -> 0.85 (firefly). 0.2 costs mongodb_faq a first place.
PAGE_WEIGHT: Final = 0.1
# Only these many leaders are read for phrases: each costs 0.1 ms when it was not read before.
PHRASE_CANDIDATES: Final = 30
# Longer than any list of sources that a caller asks for.
RANKED: Final = 60
# Nearer than this is a view that found its subject; one that found nothing ("I do not know") counts in proportion.
FOUND_SIMILARITY: Final = 0.5

# A message as long as a letter is also searched part by part, each of half a dozen lines: an embedding reads 256 tokens
# and blurs what it reads. On tau2_banking (35 letters of 450 words) hit@1 0.40 -> 0.49, hit@5 0.74 -> 0.86.
LONG_CHARACTERS: Final = 700
PART_CHARACTERS: Final = 350
MOST_PARTS: Final = 6

_MARKER = re.compile(r"\s?\[\d{1,2}\]")


@dataclass(frozen=True, slots=True)
class View:
    """A text to search by. The first view of a turn is its question. of_exchange: what was said before is in it too."""

    text: str
    weight: float
    of_exchange: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """What one view found in one collection. unrelated: see Embedder.unrelated."""

    collection: Collection
    view: View
    unrelated: float
    keyword: Sequence[Hit]
    nearest: Sequence[Hit]


def views(question: str, history: Sequence[Message]) -> tuple[View, ...]:
    """The question first, then what the conversation adds to it.

    history: the messages that count. The set phrases of a turn without an answer are about nothing.
    """
    asked = _last(history, Role.USER)
    answered = _MARKER.sub("", _last(history, Role.ASSISTANT))
    before = [text for text in (asked, answered) if text.strip()]
    found = [View(question, QUESTION_WEIGHT), *(View(part, QUESTION_WEIGHT) for part in _parts(question))]
    if before:
        # The question first: an embedding reads only so far.
        found.append(View("\n".join([question, *before]), EXCHANGE_WEIGHT, of_exchange=True))
    if answered.strip():
        found.append(View(answered, PREVIOUS_ANSWER_WEIGHT))
    return tuple(found)


def _parts(question: str) -> list[str]:
    """The parts of a long message, each of whole sentences; none of a short one."""
    if len(question) < LONG_CHARACTERS:
        return []
    least = max(PART_CHARACTERS, len(question) / MOST_PARTS)
    parts = [""]
    for sentence in message_sentences(question):
        if len(parts[-1]) >= least:
            parts.append("")
        parts[-1] = f"{parts[-1]} {sentence}".strip()
    return [part for part in parts if part]


def _last(history: Sequence[Message], role: Role) -> str:
    said = (message for message in reversed(history) if message.role is role)
    return next((message.content for message in said if message.outcome in (None, Outcome.ANSWERED)), "")


def fuse(searches: Sequence[Search], rarities: Mapping[str, float]) -> list[Evidence]:
    """The chunks that the searches found, the best RANKED of them, best first. rarities: of the question's lexemes."""
    if not searches:
        return []
    scores: dict[str, float] = {}
    for found in _by_view(searches):
        for chunk_id, score in _of_view(found).items():
            scores[chunk_id] = scores.get(chunk_id, 0.0) + score
    chunks = {hit.chunk.chunk_id: hit.chunk for search in searches for hit in (*search.keyword, *search.nearest)}
    question = searches[0].view.text
    for chunk_id in _best(scores, PHRASE_CANDIDATES):
        scores[chunk_id] += PHRASE_WEIGHT * phrase(question, chunks[chunk_id], rarities)
    for chunk_id, added in _of_pages(scores, chunks).items():
        scores[chunk_id] += added
    most = (PHRASE_WEIGHT + 2 * sum(found[0].view.weight for found in _by_view(searches))) * (1 + PAGE_WEIGHT)
    asked = [search for search in searches if search.view == searches[0].view]
    keyword = _scores(hit for search in asked for hit in search.keyword)
    nearest = _scores(hit for search in asked for hit in search.nearest)
    return [
        Evidence(chunks[each], keyword.get(each, 0.0), nearest.get(each, 0.0), scores[each] / most)
        for each in _best(scores, RANKED)
    ]


def _best(scores: Mapping[str, float], count: int) -> list[str]:
    return sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))[:count]


def _of_pages(scores: Mapping[str, float], chunks: Mapping[str, Chunk]) -> dict[str, float]:
    """chunk_id -> what its page adds: a page of which two passages are good finds is more likely the right one."""
    pages: dict[str, list[float]] = {}
    for chunk_id, score in scores.items():
        pages.setdefault(chunks[chunk_id].document_id, []).append(score)
    second = {page: sorted(found)[-2] if len(found) > 1 else 0.0 for page, found in pages.items()}
    return {chunk_id: PAGE_WEIGHT * second[chunks[chunk_id].document_id] for chunk_id in scores}


def similarity(cosine: float, unrelated: float) -> float:
    """Cosine on the scale of 0 (nothing to do with each other) to 1, the same for every embedding model."""
    return max(0.0, (cosine - unrelated) / (1 - unrelated))


def phrase(question: str, chunk: Chunk, rarities: Mapping[str, float]) -> float:
    """0..1: how much of the question's neighbouring pairs of words, by rarity, are neighbours in the passage too."""
    pairs = _pairs(question, language(chunk.language))
    weights = [rarities.get(first, 0.0) + rarities.get(second, 0.0) for first, second in pairs]
    if not sum(weights):
        return 0.0
    known = _neighbours(searchable_text(chunk), language(chunk.language))
    return sum(weight for pair, weight in zip(pairs, weights, strict=True) if pair in known) / sum(weights)


@lru_cache(maxsize=256)
def _pairs(question: str, known: Language) -> tuple[tuple[str, str], ...]:
    return tuple(pairwise(searched(question, known)))


# 10 KB a passage; a knowledge base's leaders are mostly the same few hundred passages.
@lru_cache(maxsize=2048)
def _neighbours(text: str, known: Language) -> frozenset[tuple[str, str]]:
    return frozenset(pairwise(searched(text, known)))


def _by_view(searches: Sequence[Search]) -> list[list[Search]]:
    """The searches of each view, over all collections."""
    groups: dict[View, list[Search]] = {}
    for search in searches:
        groups.setdefault(search.view, []).append(search)
    return list(groups.values())


def _of_view(found: Sequence[Search]) -> dict[str, float]:
    """chunk_id -> what this view gives it: 0..2 times the view's weight."""
    keyword = {hit.chunk.chunk_id: hit.score for search in found for hit in search.keyword}
    nearest = {
        hit.chunk.chunk_id: similarity(hit.score, search.unrelated) for search in found for hit in search.nearest
    }
    best_keyword, best_nearest = max(keyword.values(), default=0.0), max(nearest.values(), default=0.0)
    weight = found[0].view.weight * min(1.0, best_nearest / FOUND_SIMILARITY)
    said = _word_count(found[0].view.text, language(found[0].collection.language))
    trust = said / (said + FEW_WORDS)
    unfound = NOT_FOUND * min(nearest.values(), default=0.0)
    return {
        chunk_id: weight
        * (
            trust * _share(keyword.get(chunk_id, 0.0), best_keyword)
            + _share(nearest.get(chunk_id, unfound), best_nearest)
        )
        for chunk_id in keyword.keys() | nearest.keys()
    }


@lru_cache(maxsize=256)
def _word_count(text: str, known: Language) -> int:
    return len(set(searched(text, known)))


def _share(score: float, best: float) -> float:
    return score / best if best > 0 else 0.0


def _scores(hits: Iterable[Hit]) -> dict[str, float]:
    return {hit.chunk.chunk_id: hit.score for hit in hits}


def documents(evidence: Sequence[Evidence]) -> list[str]:
    """Document ids by their best passage, best first."""
    return list(dict.fromkeys(item.chunk.document_id for item in evidence))
