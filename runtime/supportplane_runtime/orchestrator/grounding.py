"""PROVISIONAL until rag/sentences.py and rag/verify.py are there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from supportplane_runtime.orchestrator.drafts import Draft, Writer
from supportplane_runtime.rag.interfaces import Retrieval
from supportplane_runtime.rag.lexemes import lexemes


@dataclass(frozen=True, slots=True)
class Quote:
    """Where in the evidence a sentence is proven: which passage, and the words of it, verbatim."""

    passage: int
    text: str


def _split(text: str) -> Sequence[str]:
    return [part for part in re.split(r"(?<=[.!?])\s+", text) if part.strip()]


def extract(retrieval: Retrieval, spoken: str) -> list[Draft]:
    wanted = lexemes(retrieval.question, spoken).keys()
    scored = [
        (len(wanted & lexemes(sentence, spoken).keys()), -n, sentence, n)
        for n, found in enumerate(retrieval.evidence)
        for sentence in _split(found.chunk.text)
    ]
    best = sorted(scored, reverse=True)[:2]
    return [Draft(sentence, Writer.EXTRACT, n) for score, _, sentence, n in best if score]


def proof(draft: Draft, retrieval: Retrieval, spoken: str) -> Quote | None:
    text = retrieval.evidence[draft.passage].chunk.text
    return Quote(draft.passage, draft.text) if draft.text in text else None
