"""The two questions the orchestrator asks of rag: what of the passages answers this, and does a passage prove that.

Called by the answer node (``extract``) and the verify node (``proof``). The rules themselves, and what they were
measured on, are in rag/evidence.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from supportplane_runtime.domain.knowledge import Evidence
from supportplane_runtime.languages import language
from supportplane_runtime.orchestrator.drafts import Author, Draft
from supportplane_runtime.rag.evidence import claims, runs, verify
from supportplane_runtime.rag.evidence.passage import Passage
from supportplane_runtime.rag.evidence.rules.table import breach
from supportplane_runtime.rag.evidence.runs import Found
from supportplane_runtime.rag.search.interfaces import PartFound, Retrieval
from supportplane_runtime.rag.words.lexemes import covered, lexemes
from supportplane_runtime.rag.words.units import Kind, units

# Of a part's words, by rarity, from which on an answer has them. A guess: more than half.
HELD: Final = 0.6
# List marks and punctuation.
_NO_WORD: Final = re.compile(r"\W*(?:\d{1,3}[.)])?\W*")


@dataclass(frozen=True, slots=True)
class Quote:
    """Where in the evidence a sentence is proven: which passage, and the words of it, verbatim."""

    passage: int
    text: str


def extract(question: str, retrieval: Retrieval) -> list[Draft]:
    """Runs of the passages, word for word, in reading order. question: with what it leans on.

    A question of several parts is answered part by part. A side of a question adds what the answer lacks of it.
    """
    questions = [part for part in retrieval.parts if part.is_question and part.answered]
    drafts = [draft for part in questions for draft in _of_part(part, retrieval)]
    if not drafts:
        drafts = _of_whole(question, retrieval)
    sides = [part for part in retrieval.parts if not part.is_question]
    lacking = min(sides, key=lambda side: _share_said(side, drafts, retrieval), default=None)
    if lacking is not None and lacking.answered and _share_said(lacking, drafts, retrieval) < HELD:
        drafts += _of_part(lacking, retrieval)
    return list(dict.fromkeys(drafts))


def _of_whole(question: str, retrieval: Retrieval) -> list[Draft]:
    found = Found([_passage(each) for each in retrieval.passages], retrieval.rarities, len(retrieval.evidence))
    quotations = runs.pick(retrieval.question, found, _leans_on(question, retrieval.question))
    return [Draft(each.text, Author.EXTRACT, each.passage, each.head, each.heading) for each in quotations]


def _of_part(part: PartFound, retrieval: Retrieval) -> list[Draft]:
    places = {each.chunk.chunk_id: n for n, each in enumerate(retrieval.passages)}
    ranked = [places[chunk_id] for chunk_id in part.evidence]
    order = [*ranked, *(n for n in range(len(retrieval.passages)) if n not in ranked)]
    found = Found([_passage(retrieval.passages[n]) for n in order], part.rarities, len(ranked))
    quotations = runs.best_run(part.text, found, _leans_on(part.query, part.text))
    heads = [(order[each.head[0]], each.head[1]) if each.head else None for each in quotations]
    pairs = zip(quotations, heads, strict=True)
    return [Draft(each.text, Author.EXTRACT, order[each.passage], head, each.heading) for each, head in pairs]


def _leans_on(query: str, question: str) -> list[str]:
    """The lines that stand before the question."""
    return [line for line in query.removesuffix(question).split("\n") if line.strip()]


def _share_said(part: PartFound, drafts: Sequence[Draft], retrieval: Retrieval) -> float:
    chunks = [retrieval.passages[draft.passage].chunk for draft in drafts]
    titles = [line for chunk in chunks for line in (chunk.title, *chunk.heading_path)]
    return _share_of(part, "\n".join([*(draft.shown for draft in drafts), *titles]), retrieval)


def _share_of(part: PartFound, text: str, retrieval: Retrieval) -> float:
    """Of the part's own words, by rarity, those that are in the text."""
    known = language(retrieval.passages[0].chunk.language)
    wanted = {word: part.rarities.get(word, 1.0) for word in lexemes(part.text, known)}
    return covered(lexemes(text, known), wanted)


def _cited(drafts: Sequence[Draft], retrieval: Retrieval) -> list[Evidence]:
    return [retrieval.passages[draft.passage] for draft in drafts]


def unanswered(retrieval: Retrieval, sentences: str) -> list[PartFound]:
    """The parts of a question that an answer leaves open. sentences: of the answer."""
    if not any(part.answered for part in retrieval.parts if part.is_question):
        return []
    return [
        part
        for part in retrieval.parts
        if part.is_question and not part.answered and _share_of(part, sentences, retrieval) < HELD
    ]


def unsaid(draft: Draft, said: Collection[str], retrieval: Retrieval) -> list[Draft]:
    """The draft without sentences that are said already; a list, a table or code is said whole or not at all."""
    known = language(retrieval.passages[draft.passage].chunk.language)
    parts = units(draft.text, known)
    if draft.text in said or any(part.kind is not Kind.PROSE for part in parts):
        return [draft]
    runs: list[tuple[int, int]] = []
    for before, part in zip((None, *parts), parts, strict=False):
        if part.text in said:
            continue
        goes_on = before is not None and before.text not in said
        runs = [*runs[:-1], (runs[-1][0], part.end)] if goes_on else [*runs, (part.start, part.end)]
    texts = [draft.text[start:end] for start, end in runs]
    return [replace(draft, text=text, heading="" if n else draft.heading) for n, text in enumerate(texts)]


def proof(draft: Draft, retrieval: Retrieval) -> Quote | None:
    """The words of the named passage that prove a draft, or None.

    What claims to be quoted must stand there; that it says something, rag/evidence/quotations.py has seen to.
    """
    passage = _passage(retrieval.passages[draft.passage])
    if draft.author is Author.EXTRACT:
        stands = draft.text in passage.text and _stands(draft.head, retrieval) and _is_heading(draft.heading, passage)
        words = draft.text if draft.text and stands else None
    else:
        words = _proof_of_claim(draft.text, passage, retrieval.question)
    return Quote(draft.passage, words) if words else None


def is_quotation(draft: Draft, quote: Quote) -> bool:
    """Word for word, white space apart: nothing of its meaning is left to judge."""
    return verify.quotation(draft.text, quote.text) is not None


def basis(draft: Draft, retrieval: Retrieval, spoken: str) -> Quote | None:
    """What would be cited if a judge found the draft proven, or None when it may not even be judged.

    spoken: language of the draft. A hard rule that it breaks is no judge's to overrule.
    """
    passage = _passage(retrieval.evidence[draft.passage])
    is_broken = breach(draft.text, passage.text, spoken=language(spoken), written=passage.language) is not None
    if is_broken or not claims.says_something(draft.text, passage, retrieval.question):
        return None
    words = verify.basis(draft.text, passage.text, passage.language)
    return Quote(draft.passage, words) if words else None


def _stands(head: tuple[int, str] | None, retrieval: Retrieval) -> bool:
    return head is None or head[1] in retrieval.passages[head[0]].chunk.text


def _is_heading(heading: str, passage: Passage) -> bool:
    """Of the passage, or none."""
    return not heading or heading in passage.heading_path or heading in passage.text


def _passage(found: Evidence) -> Passage:
    chunk = found.chunk
    return Passage(
        chunk.text,
        chunk.title,
        chunk.heading_path,
        language(chunk.language),
        found.score,
        document=chunk.document_id,
        position=chunk.position,
    )


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
