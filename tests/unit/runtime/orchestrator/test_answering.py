"""Whole turns in memory: what the model writes is used only where a cited passage proves it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

import pytest

from support.runtime.turn_parts import BACKUP, ROTATE, FixedRetriever
from support.runtime.turn_subject import Setup, asked, in_memory
from supportplane_runtime import metrics
from supportplane_runtime.domain.answer import Answer, Outcome
from supportplane_runtime.model.interfaces import ChatMessage, Generation
from supportplane_runtime.model.memory import ScriptedChatModel
from supportplane_runtime.orchestrator.policy import Policy, WritingPolicy
from supportplane_runtime.turns.events import Answered, Sources, Token

QUESTION = "How do I rotate an API key?"
WRITES = Policy(tenant="default", writing=WritingPolicy(temperature=0.1, max_tokens=99, instructions="Be kind."))
ROTATED = "To rotate an API key, run supportplane keys create and revoke the old key."
HASHED = "Keys are stored hashed."
INVENTED = "An operator is a mathematical function."


def model_writing(*sentences: tuple[str, int], fails_after: int | None = None) -> ScriptedChatModel:
    text = json.dumps({"sentences": [{"text": text, "passage": passage} for text, passage in sentences]})
    return ScriptedChatModel([[text[n : n + 7] for n in range(0, len(text), 7)]], fails_after=fails_after)


async def answered(model: ScriptedChatModel | None, policy: Policy = WRITES, question: str = QUESTION) -> Answer:
    """The answer, after checking that exactly its text was streamed, sentence by sentence."""
    async with in_memory(Setup(policy=policy, model=model)) as subject:
        request = asked(question)
        await subject.turns.start(request)
        events = await subject.events(request.turn_id)
    final = events[-1]
    assert isinstance(final, Answered)
    assert "".join(event.text for event in events if isinstance(event, Token)) == final.answer.response
    assert [event.sources for event in events if isinstance(event, Sources)] == [final.answer.sources]
    check_citations(final.answer)
    return final.answer


def check_citations(answer: Answer) -> None:
    """Every marker has its source, every source its marker, and every quote stands in its passage."""
    passages = {found.chunk.chunk_id: found.chunk.text for found in (ROTATE, BACKUP)}
    assert [source.marker for source in answer.sources] == list(range(1, len(answer.sources) + 1))
    for source in answer.sources:
        assert f"[{source.marker}]" in answer.response
        assert source.quote in passages[source.chunk_id]
        assert source.quote


async def test_without_a_writing_model_the_answer_is_quoted_from_the_passages() -> None:
    model = model_writing((INVENTED, 1))
    answer = await answered(model, replace(WRITES, writing=None))
    assert answer.outcome is Outcome.ANSWERED
    assert ROTATED in answer.response
    assert answer.model_share == 0.0
    assert model.calls == []


async def test_what_a_passage_proves_may_be_written_by_the_model() -> None:
    answer = await answered(model_writing((HASHED, 1)))
    assert (answer.response, answer.model_share) == (f"{HASHED} [1]", 1.0)


async def test_quotations_of_the_passage_that_it_named_take_the_place_of_an_unproven_sentence() -> None:
    answer = await answered(model_writing((HASHED, 1), (INVENTED, 1)))
    rotate = "To rotate an API key, run supportplane keys create and revoke the old key."
    assert answer.response == f"{HASHED} [1] {rotate} [2]"
    assert answer.model_share == 0.5


async def test_nothing_is_added_when_the_dropped_sentence_named_a_passage_without_an_answer() -> None:
    answer = await answered(model_writing((HASHED, 1), ("A backup holds the database for ever.", 2)))
    assert answer.response == f"{HASHED} [1]"


async def test_a_sentence_must_be_proven_by_the_passage_it_names() -> None:
    answer = await answered(model_writing((HASHED, 2)))
    assert answer.model_share == 0.0


UNUSABLE: list[tuple[str, ScriptedChatModel]] = [
    ("it invents", model_writing((INVENTED, 1))),
    ("it says nothing", model_writing()),
    ("it says the question over again", model_writing(("To rotate an API key.", 1), ("Rotate an API key", 1))),
    ("it does not keep to the form", ScriptedChatModel([["I would rotate it."]])),
    ("it is away", model_writing((HASHED, 1), fails_after=0)),
    ("it breaks off inside its first sentence", model_writing((HASHED, 1), fails_after=4)),
]


@pytest.mark.parametrize("model", [row[1] for row in UNUSABLE], ids=[row[0] for row in UNUSABLE])
async def test_the_extract_answers_when_the_model_leaves_nothing(model: ScriptedChatModel) -> None:
    before = degraded()
    answer = await answered(model)
    assert (answer.outcome, answer.model_share) == (Outcome.ANSWERED, 0.0)
    assert ROTATED in answer.response
    assert degraded() == before + 1


class EndlessModel(ScriptedChatModel):
    """Writes one sentence and never comes to the next."""

    async def stream(self, messages: Sequence[ChatMessage], generation: Generation) -> AsyncGenerator[str]:
        async for delta in super().stream(messages, generation):
            yield delta
        await asyncio.Event().wait()


async def test_a_model_that_takes_too_long_is_cut_off_before_the_turn_is() -> None:
    model = EndlessModel(model_writing((HASHED, 1)).replies)
    answer = await answered(model, replace(WRITES, turn_timeout_s=4))
    assert answer.response.startswith(f"{HASHED} [1]")
    assert ROTATED in answer.response


async def test_what_the_model_leaves_undone_the_extract_completes() -> None:
    whole = model_writing((HASHED, 1), (INVENTED, 1))
    answer = await answered(replace(whole, fails_after=len(whole.replies[0]) - 2))
    assert answer.response.startswith(f"{HASHED} [1]")
    assert ROTATED in answer.response
    assert answer.response.count(HASHED) == 1
    assert 0.0 < answer.model_share < 1.0


async def test_a_question_the_evidence_does_not_answer_never_reaches_the_model() -> None:
    model = model_writing((HASHED, 1))
    unknown = FixedRetriever(confidence=0.1, in_scope=0.9)
    async with in_memory(Setup(policy=WRITES, model=model, retriever=unknown)) as subject:
        answer = await subject.ask(QUESTION)
    assert (answer.outcome, answer.sources, model.calls) == (Outcome.HANDED_OFF, (), [])


async def test_the_model_is_given_the_passages_as_marked_data_and_a_schema() -> None:
    model = model_writing((HASHED, 1))
    async with in_memory(Setup(policy=WRITES, model=model)) as subject:
        await subject.ask(QUESTION, context={"plan": "free"})
        await subject.ask(QUESTION)
    (system, user), generation = model.calls[0]
    assert (system.role, user.role) == ("system", "user")
    assert system.content.endswith("Be kind.")
    assert "English" in system.content
    assert ROTATE.chunk.text in user.content
    assert '{"plan":"free"}' in user.content
    assert (generation.max_tokens, generation.temperature) == (99, 0.1)
    assert generation.schema is not None
    assert codes(user.content) != codes(model.calls[1][0][1].content)  # nobody can know the marks beforehand


def codes(text: str) -> Sequence[str]:
    return [line for line in text.splitlines() if line.startswith("</question-")]


def degraded() -> int:
    reasons = ("unavailable", "unsupported")
    return int(sum(metrics.EXTRACTED_INSTEAD.labels(reason=reason)._value.get() for reason in reasons))
