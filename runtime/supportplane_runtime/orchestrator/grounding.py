"""The two questions the orchestrator asks of rag: what of the passages answers this, and does a passage prove that.

Called by the answer node (``extract``) and the verify node (``proof``). The rules themselves, and what they were
measured on, are in rag/evidence.
"""

import re
from dataclasses import dataclass
from typing import Final

from supportplane_runtime.domain.knowledge import Evidence
from supportplane_runtime.languages import language
from supportplane_runtime.orchestrator.drafts import Author, Draft
from supportplane_runtime.rag.evidence import claims, sentences, verify
from supportplane_runtime.rag.evidence.passage import Passage
from supportplane_runtime.rag.search.interfaces import Retrieval
from supportplane_runtime.rag.words.units import units

# List marks and punctuation.
_NO_WORD: Final = re.compile(r"\W*(?:\d{1,3}[.)])?\W*")


@dataclass(frozen=True, slots=True)
class Quote:
    """Where in the evidence a sentence is proven: which passage, and the words of it, verbatim."""

    passage: int
    text: str


def extract(question: str, retrieval: Retrieval) -> list[Draft]:
    """Parts of the passages, word for word, in reading order. question: with what it leans on."""
    quotations = sentences.pick(question, [_passage(each) for each in retrieval.evidence], retrieval.rarities)
    return [Draft(quotation.text, Author.EXTRACT, quotation.passage) for quotation in quotations]


def proof(draft: Draft, retrieval: Retrieval) -> Quote | None:
    """The words of the named passage that prove a draft, or None.

    What claims to be quoted must stand there; that it says something, rag/evidence/sentences.py has seen to.
    """
    passage = _passage(retrieval.evidence[draft.passage])
    if draft.author is Author.EXTRACT:
        words = draft.text if draft.text and draft.text in passage.text else None
    else:
        words = _proof_of_claim(draft.text, passage, retrieval.question)
    return Quote(draft.passage, words) if words else None


def _passage(found: Evidence) -> Passage:
    chunk = found.chunk
    return Passage(chunk.text, chunk.title, chunk.heading_path, language(chunk.language), found.score)


def _proof_of_claim(claim: str, passage: Passage, question: str) -> str | None:
    words = verify.support(claim, passage.text, passage.language)
    holds = words and is_whole(words, passage) and claims.says_something(claim, passage, question)
    return words if holds else None


def is_whole(words: str, passage: Passage) -> bool:
    """Whole sentences, items or rows of the passage: `Never delete it.` does not prove `delete it`."""
    text = passage.text
    parts = units(text, passage.language)
    for found in re.finditer(re.escape(words), text):
        first = next((part for part in parts if part.start <= found.start() < part.end), None)
        last = next((part for part in parts if part.start < found.end() <= part.end), None)
        if first is not None and last is not None:
            before, after = text[first.start : found.start()], text[found.end() : last.end]
            if _NO_WORD.fullmatch(before) and _NO_WORD.fullmatch(after):
                return True
    return False
