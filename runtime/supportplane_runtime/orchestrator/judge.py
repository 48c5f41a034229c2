"""A model that is asked whether passages prove sentences: the judge of meaning (ADR 0035).

Called by proving.py for sentences that break no hard rule and are no near quotation. One call for a group of sentences;
verdicts are kept for the process, since the same model says the same of the same words. It never raises for what the
model does: a judge that is away, late or talks nonsense gives no verdict, which is counted, and is not asked again in
that turn.
"""

import json
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from supportplane_runtime import metrics
from supportplane_runtime.errors import ModelUnavailable
from supportplane_runtime.model.interfaces import ChatModel, Generation
from supportplane_runtime.orchestrator import prompt

# A verdict is `"12":false,`: at most eight tokens a sentence, and the braces.
TOKENS_A_SENTENCE: Final = 12
# Digests of a sentence and its passage, about 200 bytes each: 2 MB.
REMEMBERED: Final = 10_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """Whether the passage proves the sentence."""

    sentence: str
    passage: str


class Judge(Protocol):
    async def verdicts(self, questions: Sequence[Question]) -> Sequence[bool] | None:
        """One for each question, in order, or None when the judge gives none. Raises nothing of the model's."""
        ...


class ModelJudge:
    """Satisfies Judge; one for the process, because it remembers."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self._known: OrderedDict[Question, bool] = OrderedDict()

    async def verdicts(self, questions: Sequence[Question]) -> Sequence[bool] | None:
        asked = list(dict.fromkeys(each for each in questions if each not in self._known))
        remembered = {each: self._recall(each) for each in questions if each in self._known}
        found = await self._ask(asked) if asked else {}
        if found is None:
            return None
        for question, verdict in found.items():
            self._remember(question, verdict)
        _count("remembered", remembered.values())
        _count("call", found.values())
        both = remembered | dict(found)
        return [both[each] for each in questions]

    def _recall(self, question: Question) -> bool:
        self._known.move_to_end(question)
        return self._known[question]

    def _remember(self, question: Question, verdict: bool) -> None:
        self._known[question] = verdict
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def _ask(self, questions: Sequence[Question]) -> Mapping[Question, bool] | None:
        outcome = "late"
        try:
            text = await self._said_of(questions)
            found = _read(text, len(questions))
            outcome = "malformed" if found is None else "answered"
        except ModelUnavailable:
            found, outcome = None, "unavailable"
        finally:  # a turn whose time is over cancels the call
            metrics.JUDGE_CALLS.labels(outcome=outcome).inc()
            if outcome != "answered":
                log.warning("judge_gave_no_verdict", outcome=outcome, sentences=len(questions))
        return None if found is None else dict(zip(questions, found, strict=True))

    async def _said_of(self, questions: Sequence[Question]) -> str:
        passages = list(dict.fromkeys(each.passage for each in questions))
        sentences = [(each.sentence, passages.index(each.passage)) for each in questions]
        asked = prompt.judging_messages(sentences, passages, code=secrets.token_hex(4))
        generation = Generation(
            max_tokens=TOKENS_A_SENTENCE * (len(questions) + 1),
            temperature=0.0,
            schema=prompt.verdict_schema(len(questions)),
        )
        async with aclosing(self._model.stream(asked, generation)) as deltas:
            return "".join([delta async for delta in deltas])


def _count(origin: str, verdicts: Iterable[bool]) -> None:
    for verdict in verdicts:
        metrics.JUDGED_SENTENCES.labels(origin=origin, verdict="supported" if verdict else "unsupported").inc()


def _read(text: str, count: int) -> Sequence[bool] | None:
    """A verdict for each sentence, or None for anything else than what the schema says."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    keys = [str(n) for n in range(1, count + 1)]
    if not isinstance(found, dict) or sorted(found) != sorted(keys):
        return None
    values = [found[key] for key in keys]
    return values if all(isinstance(value, bool) for value in values) else None
