"""Drafts to drafts with their proof, in order, as they come: by the words of a passage, or by a judge of meaning.

Called by nodes/verify.py. A draft that is a quotation is proven at once. One that breaks a hard rule is dropped,
whatever a judge would say. Those in between wait for the judge, who is asked about all that wait while the model goes
on writing; a draft behind them waits as well, because an answer has an order. Without a judge, or a verdict, a near
quotation is proven and nothing else.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from supportplane_runtime.errors import ModelUnavailable
from supportplane_runtime.orchestrator.drafts import Author, Draft, Drafts
from supportplane_runtime.orchestrator.grounding import Quote, basis, is_quotation, proof
from supportplane_runtime.orchestrator.judge import Judge, Question
from supportplane_runtime.rag.search.interfaces import Retrieval

Proven = AsyncGenerator[tuple[Draft, Quote | None]]


@dataclass(slots=True)
class _Waiting:
    """A draft, its proof, and what the judge has to be asked first; None when that is settled.

    unjudged: the proof when the judge gives no verdict.
    """

    draft: Draft
    quote: Quote | None
    question: Question | None = None
    unjudged: Quote | None = None


async def proven(drafts: Drafts, retrieval: Retrieval, judge: Judge | None, *, language: str) -> Proven:
    """Each draft with its quote, or with None when nothing proves it. language: of the drafts. Raises what drafts do.

    What was drafted before the drafts broke off is judged still.
    """
    if judge is None:
        async for draft in drafts:
            yield draft, proof(draft, retrieval)
        return
    async for each in _Proving(drafts, retrieval, judge, language).run():
        yield each


class _Proving:
    """One answer's drafts on their way. At most one call to the judge at a time, none after one without verdicts."""

    def __init__(self, drafts: Drafts, retrieval: Retrieval, judge: Judge, language: str) -> None:
        self._drafts = drafts
        self._retrieval = retrieval
        self._judge: Judge | None = judge
        self._language = language
        self._waiting: deque[_Waiting] = deque()

    async def run(self) -> Proven:
        coming: asyncio.Task[Draft | None] | None = _next(self._drafts)
        judging: asyncio.Task[None] | None = None
        broken: ModelUnavailable | None = None
        try:
            while coming is not None or self._waiting:
                while self._waiting and self._waiting[0].question is None:
                    settled = self._waiting.popleft()
                    yield settled.draft, settled.quote
                if judging is None and self._waiting:
                    judging = asyncio.create_task(self._ask([each for each in self._waiting if each.question]))
                running = {task for task in (coming, judging) if task is not None}
                if not running:
                    break
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                if judging is not None and judging.done():
                    judging = judging.result()
                if coming is not None and coming.done():
                    coming, broken = self._take(coming)
        finally:
            for task in (coming, judging):
                await _stopped(task)
        if broken is not None:
            raise broken

    def _take(
        self, coming: asyncio.Task[Draft | None]
    ) -> tuple[asyncio.Task[Draft | None] | None, ModelUnavailable | None]:
        try:
            draft = coming.result()
        except ModelUnavailable as exc:
            return None, exc
        if draft is None:
            return None, None
        self._waiting.append(self._looked_at(draft))
        return _next(self._drafts), None

    def _looked_at(self, draft: Draft) -> _Waiting:
        quote = proof(draft, self._retrieval)
        if self._judge is None or draft.author is Author.EXTRACT or (quote is not None and is_quotation(draft, quote)):
            return _Waiting(draft, quote)
        found = quote or basis(draft, self._retrieval, self._language)
        passage = self._retrieval.evidence[draft.passage].chunk.text
        return _Waiting(draft, found, Question(draft.text, passage) if found else None, quote)

    async def _ask(self, asked: Sequence[_Waiting]) -> None:
        questions = [each.question for each in asked if each.question is not None]
        found = await self._judge.verdicts(questions) if self._judge else None
        if found is None:
            self._judge = None
            for each in self._waiting:
                if each.question is not None:
                    each.question, each.quote = None, each.unjudged
            return
        for each, holds in zip(asked, found, strict=True):
            each.question = None
            each.quote = each.quote if holds else None


def _next(drafts: AsyncIterator[Draft]) -> asyncio.Task[Draft | None]:
    async def one() -> Draft | None:
        return await anext(drafts, None)

    return asyncio.create_task(one())


async def _stopped(task: asyncio.Task[Draft | None] | asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError, ModelUnavailable):
            await task
