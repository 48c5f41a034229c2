"""Second step: the passages for a question and for its parts, from every knowledge base of the agent at once.

Of the conversation retrieval gets what the message leans on (nodes/understand.py), and nothing where it stands for
itself.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from langgraph.runtime import Runtime

from supportplane_runtime.domain.conversation import Message
from supportplane_runtime.domain.knowledge import Evidence
from supportplane_runtime.languages import language
from supportplane_runtime.orchestrator.exchange import NO_GROUND
from supportplane_runtime.orchestrator.language import spoken_language
from supportplane_runtime.orchestrator.leaning import Leaning
from supportplane_runtime.orchestrator.nodes.decide import Thresholds
from supportplane_runtime.orchestrator.parts import Part, parts
from supportplane_runtime.orchestrator.progress import step_began
from supportplane_runtime.orchestrator.state import Intent, TurnContext, TurnState, Understanding
from supportplane_runtime.rag.search.interfaces import PartFound, Retrieval, Retriever
from supportplane_runtime.rag.words.lexemes import covered, lexemes
from supportplane_runtime.rag.words.searchable import searchable_text

# The share of a message's words, by rarity, that a passage holds which is about what the message names. A guess.
NAMED: Final = 0.5
# The share of a passage from which on an answer has quoted most of it.
QUOTED: Final = 0.5
# Shorter lines of an answer stand in any passage. A guess.
LEAST_QUOTED: Final = 20

_MARKER = re.compile(r"\s?\[\d{1,2}\]")
# What stands above a quotation, see Draft.shown.
_HEADING = re.compile(r"^\*\*[^*\n]+\*\*\n\n")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A knowledge base and how many of its passages are read (knowledge[].topK)."""

    retriever: Retriever
    top_k: int


async def retrieve(question: str, history: Sequence[Message], knowledge: Sequence[Knowledge]) -> Retrieval:
    """Raises KnowledgeUnavailable: an answer from half of the documents would be wrong without anyone seeing it."""
    found = await asyncio.gather(*(base.retriever.retrieve(question, history, limit=base.top_k) for base in knowledge))
    return merged(question, found)


async def retrieve_each(questions: Sequence[str], knowledge: Sequence[Knowledge]) -> list[Retrieval]:
    """Several questions, each without a history. Raises KnowledgeUnavailable, see ``retrieve``."""
    found = await asyncio.gather(*(base.retriever.retrieve_each(questions, limit=base.top_k) for base in knowledge))
    return [merged(question, [of_base[n] for of_base in found]) for n, question in enumerate(questions)]


def merged(question: str, found: Sequence[Retrieval]) -> Retrieval:
    """The passages of all, best first; what the best base says about confidence and scope.

    Without any knowledge base everything is in scope and nothing answers it, so every question is handed off.
    """
    if not found:
        return Retrieval(question, evidence=(), confidence=0.0, in_scope=1.0)
    if len(found) == 1:
        return found[0]
    evidence = sorted((item for one in found for item in one.evidence), key=lambda item: item.score, reverse=True)
    rarities: dict[str, float] = {}
    for one in found:
        rarities |= one.rarities
    confidence, in_scope = max(one.confidence for one in found), max(one.in_scope for one in found)
    around = tuple(item for one in found for item in one.around)
    return Retrieval(question, tuple(evidence), confidence, in_scope, rarities=rarities, around=around)


async def found_for(
    known: Understanding, knowledge: Sequence[Knowledge], *, enough: float
) -> tuple[Retrieval, Understanding]:
    """What was found, and the understanding that goes with it: of a doubtful message that the documents answer alone
    nothing is left of the conversation. enough: confidence of such an answer. Raises KnowledgeUnavailable.
    """
    if known.leaning is Leaning.DOUBTFUL:
        alone = await retrieve(known.asked, (), knowledge)
        if alone.confidence >= enough:
            return alone, replace(known, question=known.asked, leaning=Leaning.STANDS, ground=NO_GROUND)
    # What is asked as it was written: retrieval weighs the conversation itself, and was fitted that way.
    found = await retrieve(known.asked, known.ground.messages, knowledge)
    if known.leaning in (Leaning.DOUBTFUL, Leaning.ADDS):
        found = named_first(found)
    if known.says_little:
        together = await retrieve(known.question, (), knowledge)
        found = replace(found, confidence=(found.confidence + together.confidence) / 2)
    if known.intent is Intent.UNHELPED:
        return elsewhere(found, known.ground.rejected), known
    return without_rejected(found, known.ground.rejected), known


def named_first(found: Retrieval) -> Retrieval:
    """Where the best passage holds no word of the message, only the conversation speaks for it. Then passages come
    first that hold what the message names: `what about refunds?` after `how do I rotate a key?` is not about keys.
    """
    held = _held(found)
    if not held or held[0] > 0:
        return found
    pairs = list(zip(found.evidence, held, strict=True))
    named = [each for each, share in pairs if share >= NAMED]
    return replace(found, evidence=(*named, *(each for each, share in pairs if share < NAMED)))


def _held(found: Retrieval) -> list[float]:
    """0..1 for each passage: the share of the message's words, by rarity, that it holds."""
    return [covered(_lexemes(each), found.rarities) for each in found.evidence]


def without_rejected(found: Retrieval, rejected: Sequence[str]) -> Retrieval:
    """Without passages of which an answer that did not help has quoted most. When the best is among them, the next best
    is as much less sure as it is a worse find.
    """
    return _without(found, lambda each: any(_quoted(each, answer) >= QUOTED for answer in rejected))


def elsewhere(found: Retrieval, rejected: Sequence[str]) -> Retrieval:
    """Without the sections that an answer that did not help has quoted from: another one may hold what is meant."""
    quoted = {_section(each) for each in found.passages if any(_quotes(answer, each) for answer in rejected)}
    return _without(found, lambda each: _section(each) in quoted)


def _section(found: Evidence) -> tuple[str, object]:
    chunk = found.chunk
    return chunk.document_id, chunk.heading_path or chunk.chunk_id


def _quotes(answer: str, found: Evidence) -> bool:
    lines = (line.strip() for part in _MARKER.split(answer) for line in part.split("\n"))
    return any(len(line) >= LEAST_QUOTED and line in found.chunk.text for line in lines)


def _without(found: Retrieval, is_left_out: Callable[[Evidence], bool]) -> Retrieval:
    kept, around = (tuple(each for each in some if not is_left_out(each)) for some in (found.evidence, found.around))
    best = max((each.score for each in found.evidence), default=0.0)
    share = max((each.score for each in kept), default=0.0) / best if best else 1.0
    return replace(found, evidence=kept, around=around, confidence=found.confidence * share)


def _quoted(found: Evidence, answer: str) -> float:
    """0..1: how much of a passage an answer has quoted."""
    parts = (_HEADING.sub("", part.strip()) for part in _MARKER.split(answer))
    text = found.chunk.text
    return sum(len(part) for part in parts if part and part in text) / max(1, len(text))


def _lexemes(found: Evidence) -> Counter[str]:
    return lexemes(searchable_text(found.chunk), language(found.chunk.language))


def with_parts(whole: Retrieval, found: Sequence[tuple[Part, Retrieval]], thresholds: Thresholds) -> Retrieval:
    """The whole question's retrieval with what was found for its parts.

    A question of several parts is as likely answered as its parts are on average, and is answered as soon as one part
    is: what is not is said to be so.
    """
    questions = [each for part, each in found if part.is_question]
    parts_found = tuple(_part_found(part, each, thresholds) for part, each in found)
    confidence, evidence = whole.confidence, whole.evidence
    if any(each.answered for each in parts_found if each.is_question):
        confidence = max(thresholds.answer, sum(each.confidence for each in questions) / len(questions))
        evidence = _distinct([*whole.evidence, *(item for each in questions for item in each.evidence[:1])])
    known = {item.chunk.chunk_id for item in evidence}
    others = _distinct([*whole.around, *(item for _, each in found for item in each.passages)])
    return replace(
        whole,
        evidence=evidence,
        confidence=confidence,
        in_scope=max([whole.in_scope, *(each.in_scope for each in questions)]),
        around=tuple(item for item in others if item.chunk.chunk_id not in known),
        parts=parts_found,
    )


def _distinct(items: Sequence[Evidence]) -> tuple[Evidence, ...]:
    first = {item.chunk.chunk_id: item for item in reversed(items)}
    return tuple(first[chunk_id] for chunk_id in dict.fromkeys(item.chunk.chunk_id for item in items))


def _part_found(part: Part, found: Retrieval, thresholds: Thresholds) -> PartFound:
    """A part of few words is answered also where a heading says them: `what is Direct?` by the section Direct."""
    named = [item for item in found.evidence if part.is_question and _is_named(part, item, found.rarities)]
    evidence = _distinct([*named, *found.evidence])
    return PartFound(
        text=part.text,
        query=part.query,
        evidence=tuple(item.chunk.chunk_id for item in evidence),
        rarities=found.rarities,
        is_question=part.is_question,
        answered=bool(named) or (bool(found.evidence) and found.confidence >= thresholds.answer),
        in_scope=found.in_scope >= thresholds.in_scope,
    )


def _is_named(part: Part, item: Evidence, rarities: Mapping[str, float]) -> bool:
    """Whether the heading nearest to the passage has every word of the part."""
    chunk = item.chunk
    known = language(chunk.language)
    wanted = {word: rarities.get(word, 1.0) for word in lexemes(part.text, known)}
    heading = chunk.heading_path[-1] if chunk.heading_path else chunk.title
    return bool(wanted) and covered(lexemes(heading, known), wanted) == 1.0


class RetrieveNode:
    def __init__(self, knowledge: Sequence[Knowledge], thresholds: Thresholds) -> None:
        self._knowledge = knowledge
        self._thresholds = thresholds

    async def __call__(self, state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
        known = state["understanding"]
        runtime.context.emit(step_began("retrieve", known.language))
        if known.leaning is Leaning.STANDS:
            asked = _parts(known)
            whole, *found = await retrieve_each([known.asked, *(part.query for part in asked)], self._knowledge)
        else:
            whole, known = await found_for(known, self._knowledge, enough=self._thresholds.answer)
            asked = _parts(known)
            found = await retrieve_each([part.query for part in asked], self._knowledge) if asked else []
        if asked:
            whole = with_parts(whole, list(zip(asked, found, strict=True)), self._thresholds)
        return {"retrieval": whole, "understanding": known}


def _parts(known: Understanding) -> tuple[Part, ...]:
    return parts(known.asked, spoken_language(known.language), "\n".join(known.ground.questions))
