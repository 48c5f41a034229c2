"""Fourth step: only what a cited passage proves gets into the answer, and only that is streamed.

Each draft is checked as it comes, the model's and the extract's alike, and a sentence that holds is sent at once with
its citation: nothing that was sent is ever taken back. What the model leaves undone, the extract completes.
"""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

import structlog
from langgraph.runtime import Runtime

from supportplane_runtime import metrics
from supportplane_runtime.domain.answer import Source
from supportplane_runtime.errors import ModelUnavailable
from supportplane_runtime.orchestrator.drafts import Checked, CitedSentence, Draft, Drafts, Writer
from supportplane_runtime.orchestrator.grounding import Quote, proof
from supportplane_runtime.orchestrator.nodes.answer import extracted
from supportplane_runtime.orchestrator.progress import step_began
from supportplane_runtime.orchestrator.state import TurnContext, TurnState
from supportplane_runtime.rag.interfaces import Retrieval
from supportplane_runtime.turns.events import Token

log = structlog.get_logger(__name__)


class Composition:
    """The answer as it grows, sentence by sentence."""

    def __init__(self, retrieval: Retrieval, spoken: str) -> None:
        self._retrieval = retrieval
        self._spoken = spoken
        self.checked = Checked()

    def add(self, draft: Draft) -> str | None:
        """The text to send, or None when no passage proves the draft or the answer says it already."""
        quote = proof(draft, self._retrieval, self._spoken)
        verdict = "unsupported" if quote is None else "supported"
        metrics.SENTENCES.labels(writer=draft.writer, verdict=verdict).inc()
        if quote is None or self._says(draft, quote):
            return None
        marker, sources = cited(self.checked.sources, self._source(quote))
        sentence = CitedSentence(draft.text, draft.writer, marker)
        first = not self.checked.sentences
        self.checked = Checked((*self.checked.sentences, sentence), sources)
        return shown(sentence, first=first)

    def _says(self, draft: Draft, quote: Quote) -> bool:
        """The extract does not repeat what is cited already."""
        if any(sentence.text == draft.text for sentence in self.checked.sentences):
            return True
        chunk_id = self._retrieval.evidence[quote.passage].chunk.chunk_id
        return draft.writer is Writer.EXTRACT and any(
            source.chunk_id == chunk_id and quote.text in source.quote for source in self.checked.sources
        )

    def _source(self, quote: Quote) -> Source:
        found = self._retrieval.evidence[quote.passage]
        chunk = found.chunk
        return Source(
            marker=0,
            document_id=chunk.document_id,
            chunk_id=chunk.chunk_id,
            title=chunk.title,
            url=chunk.url,
            quote=quote.text,
            score=found.score,
        )


def cited(sources: tuple[Source, ...], source: Source) -> tuple[int, tuple[Source, ...]]:
    """The marker of a source and the sources with it; the same quote of the same passage is one source."""
    for known in sources:
        if (known.chunk_id, known.quote) == (source.chunk_id, source.quote):
            return known.marker, sources
    marker = len(sources) + 1
    return marker, (*sources, replace(source, marker=marker))


def shown(sentence: CitedSentence, *, first: bool) -> str:
    return f"{'' if first else ' '}{sentence.text} [{sentence.marker}]"


def response(checked: Checked) -> str:
    return "".join(shown(sentence, first=n == 0) for n, sentence in enumerate(checked.sentences))


class VerifyNode:
    def __init__(self, *, model_writes: bool) -> None:
        self._model_writes = model_writes

    async def __call__(self, state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
        known, retrieval = state["understanding"], state["retrieval"]
        composition = Composition(retrieval, known.language)
        runtime.context.emit(step_began("verify", known.language))

        def send(text: str) -> None:
            runtime.context.emit(lambda sequence: Token(sequence, text))

        whole = await _compose(composition, state["drafts"], send)
        if self._model_writes and not (whole and composition.checked.sentences):
            metrics.EXTRACTED_INSTEAD.labels(reason="unsupported" if whole else "unavailable").inc()
            log.warning("answer_degraded", reason="unsupported" if whole else "unavailable")
            await _compose(composition, extracted(retrieval, known.language), send)
        return {"checked": composition.checked}


async def _compose(composition: Composition, drafts: Drafts, send: Callable[[str], None]) -> bool:
    """False when the model broke off: what it said until then was checked and stays."""
    try:
        async with aclosing(drafts):
            async for draft in drafts:
                text = composition.add(draft)
                if text is not None:
                    send(text)
    except ModelUnavailable:
        return False
    return True
