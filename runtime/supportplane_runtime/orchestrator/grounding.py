"""The two questions the orchestrator asks of rag: what of the passages answers this, and does a passage prove that.

Called by the answer node (``extract``) and the verify node (``proof``). The rules themselves, and what they were
measured on, are in rag/sentences.py and rag/verify.py.
"""

from dataclasses import dataclass

from supportplane_runtime.orchestrator.drafts import Draft, Writer
from supportplane_runtime.rag import sentences
from supportplane_runtime.rag.interfaces import Retrieval
from supportplane_runtime.rag.lexemes import lexemes


@dataclass(frozen=True, slots=True)
class Quote:
    """Where in the evidence a sentence is proven: which passage, and the words of it, verbatim."""

    passage: int
    text: str


def extract(question: str, retrieval: Retrieval) -> list[Draft]:
    """Parts of the passages, word for word, in reading order. question: with what it leans on."""
    quotations = sentences.pick(question, retrieval.evidence, retrieval.rarities)
    return [Draft(quotation.text, Writer.EXTRACT, quotation.passage) for quotation in quotations]


def proof(draft: Draft, retrieval: Retrieval) -> Quote | None:
    """The words of the named passage that prove a draft, or None. What claims to be quoted must stand there."""
    chunk = retrieval.evidence[draft.passage].chunk
    if draft.writer is Writer.EXTRACT:
        return Quote(draft.passage, draft.text) if draft.text and draft.text in chunk.text else None
    for unit in sentences.units(chunk.text):  # until rag/verify.py is there: what it says is what the passage says
        if lexemes(draft.text, chunk.language) == lexemes(unit.text, chunk.language) and unit.text == draft.text:
            return Quote(draft.passage, unit.text)
    return None
