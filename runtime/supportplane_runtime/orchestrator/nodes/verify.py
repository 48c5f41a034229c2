"""Fourth step: only what a cited passage proves gets into the answer, and only that is streamed.

Each draft is checked as it comes, the model's and the extract's alike, and a sentence that holds is sent at once with
its citation: nothing that was sent is ever taken back. What the model leaves undone, the extract completes.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

import structlog
from langgraph.runtime import Runtime

from supportplane_runtime import metrics
from supportplane_runtime.domain.answer import Source
from supportplane_runtime.errors import ModelUnavailable
from supportplane_runtime.orchestrator.drafters import PassageDrafter
from supportplane_runtime.orchestrator.drafts import Author, Checked, CitedSentence, Draft, Drafts
from supportplane_runtime.orchestrator.grounding import Quote, unanswered
from supportplane_runtime.orchestrator.judge import Judge
from supportplane_runtime.orchestrator.language import spoken_language
from supportplane_runtime.orchestrator.places import headings, readable_elsewhere
from supportplane_runtime.orchestrator.progress import step_began
from supportplane_runtime.orchestrator.proving import Proven, proven
from supportplane_runtime.orchestrator.state import TurnContext, TurnState
from supportplane_runtime.rag.search.interfaces import Retrieval
from supportplane_runtime.turns.events import Token

_ITEM = re.compile(r"(?:[-*+•]|\d{1,3}[.)]|\|)\s")

log = structlog.get_logger(__name__)


class Composition:
    """The answer as it grows, sentence by sentence."""

    def __init__(self, retrieval: Retrieval) -> None:
        self._retrieval = retrieval
        self.checked = Checked()
        self.dropped: frozenset[int] = frozenset()  # the passages that dropped drafts named

    def add(self, draft: Draft, quote: Quote | None) -> str | None:
        """The text to send, or None when no passage proves the draft or the answer says it already."""
        verdict = "unsupported" if quote is None else "supported"
        metrics.SENTENCES.labels(writer=draft.author, verdict=verdict).inc()
        if quote is None:
            self.dropped |= {draft.passage}
            return None
        source = self._source(quote)
        text = readable_elsewhere(draft.shown, source.url)
        if self._says(text, draft, quote):
            return None
        marker, sources = cited(self.checked.sources, source)
        sentence = CitedSentence(text, draft.author, marker)
        before = self.checked.sentences[-1] if self.checked.sentences else None
        self.checked = Checked((*self.checked.sentences, sentence), sources)
        return shown(sentence, before)

    def _says(self, text: str, draft: Draft, quote: Quote) -> bool:
        """The extract does not repeat what is cited already."""
        if any(sentence.text == text for sentence in self.checked.sentences):
            return True
        chunk_id = self._retrieval.passages[quote.passage].chunk.chunk_id
        return draft.author is Author.EXTRACT and any(
            source.chunk_id == chunk_id and quote.text in source.quote for source in self.checked.sources
        )

    def _source(self, quote: Quote) -> Source:
        found = self._retrieval.passages[quote.passage]
        chunk = found.chunk
        return Source(
            marker=0,
            document_id=chunk.document_id,
            chunk_id=chunk.chunk_id,
            title=chunk.title,
            url=chunk.url,
            quote=quote.text,
            score=found.score,
            headings=headings(chunk),
        )


def cited(sources: tuple[Source, ...], source: Source) -> tuple[int, tuple[Source, ...]]:
    """The marker of a source and the sources with it; the same quote of the same passage is one source."""
    for known in sources:
        if (known.chunk_id, known.quote) == (source.chunk_id, source.quote):
            return known.marker, sources
    marker = len(sources) + 1
    return marker, (*sources, replace(source, marker=marker))


def shown(sentence: CitedSentence, before: CitedSentence | None) -> str:
    """A sentence with its marker, as it continues the answer: running text, or a list or code on lines of its own."""
    apart = before is not None and (_is_block(sentence.text) or _is_block(before.text))
    lead = "" if before is None else "\n\n" if apart else " "
    # On a line of its own behind a fence, or the fence would not close.
    gap = "\n" if sentence.text.endswith(("```", "~~~")) else " "
    return f"{lead}{sentence.text}{gap}[{sentence.marker}]"


def response(checked: Checked) -> str:
    pairs = zip((None, *checked.sentences), checked.sentences, strict=False)
    return "".join([*(shown(sentence, before) for before, sentence in pairs), checked.note])


def note(open_parts: Sequence[str], language: str, *, for_a_person: bool) -> str:
    """As it goes on behind the answer; empty when no part is open. for_a_person: a person gets parts of them."""
    replies = spoken_language(language).replies
    said = [f"{replies['part_unanswered']} {part}" for part in open_parts]
    return "".join(f"\n\n{line}" for line in [*said, *([replies["handed_off_handoff_only"]] if for_a_person else [])])


def _is_block(text: str) -> bool:
    return "\n" in text or _ITEM.match(text) is not None


class VerifyNode:
    """writing_s: how long the model may write and be judged, None when it does not write at all.

    judge: who is asked whether a passage proves what is no near quotation; None: then nothing else is proven.
    hands_off: whether what the documents do not answer goes to a person.
    """

    def __init__(self, *, writing_s: float | None, judge: Judge | None = None, hands_off: bool = True) -> None:
        self._writing_s = writing_s
        self._judge = judge
        self._hands_off = hands_off

    async def __call__(self, state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
        known, retrieval = state["understanding"], state["retrieval"]
        composition = Composition(retrieval)
        runtime.context.emit(step_began("verify", known.language))

        def send(text: str) -> None:
            runtime.context.emit(lambda sequence: Token(sequence, text))

        written = proven(state["drafts"], retrieval, self._judge, language=known.language)
        whole = await _compose(composition, written, send, limit_s=self._writing_s)
        if self._writing_s is not None:
            await self._complete(composition, state, send, whole=whole)
        _left_open(composition, state, send, hands_off=self._hands_off)
        return {"checked": composition.checked}

    async def _complete(
        self, composition: Composition, state: TurnState, send: Callable[[str], None], *, whole: bool
    ) -> None:
        """Quotations for what the model did not say, or said and nothing proved."""
        known, retrieval = state["understanding"], state["retrieval"]
        is_empty = not (whole and composition.checked.sentences)
        if is_empty:
            metrics.EXTRACTED_INSTEAD.labels(reason="unsupported" if whole else "unavailable").inc()
            log.warning("answer_degraded", reason="unsupported" if whole else "unavailable")
        elif not composition.dropped:
            return
        said = frozenset(sentence.text for sentence in composition.checked.sentences)
        drafts = PassageDrafter(said).drafts(state["turn"], known, retrieval)
        wanted = None if is_empty else composition.dropped
        await _compose(composition, proven(_from(drafts, wanted), retrieval, None, language=known.language), send)


def _left_open(composition: Composition, state: TurnState, send: Callable[[str], None], *, hands_off: bool) -> None:
    """Says which parts of the question the answer leaves open, and who gets them."""
    if not composition.checked.sentences:
        return
    answer = "\n".join(sentence.text for sentence in composition.checked.sentences)
    parts = unanswered(state["retrieval"], answer)
    given = tuple(part.text for part in parts if part.in_scope and hands_off)
    left_open = note([part.text for part in parts], state["understanding"].language, for_a_person=bool(given))
    if left_open:
        composition.checked = replace(composition.checked, note=left_open, for_a_person=given)
        send(left_open)


async def _from(drafts: Drafts, passages: frozenset[int] | None) -> Drafts:
    """The drafts of these passages; None: of all."""
    async for draft in drafts:
        if passages is None or draft.passage in passages:
            yield draft


async def _compose(
    composition: Composition, drafts: Proven, send: Callable[[str], None], *, limit_s: float | None = None
) -> bool:
    """False when the model broke off or took too long: what it said until then was checked and stays."""
    try:
        async with asyncio.timeout(limit_s), aclosing(drafts):
            async for draft, quote in drafts:
                text = composition.add(draft, quote)
                if text is not None:
                    send(text)
    except (ModelUnavailable, TimeoutError):
        return False
    return True
