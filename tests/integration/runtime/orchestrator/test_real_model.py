"""The embedded model under `writing: Verified`, on its real server: only what is proven of it comes out."""

from collections.abc import AsyncIterator

import pytest

from support.runtime.turn_parts import BACKUP, ROTATE, FixedRetriever
from support.runtime.turn_subject import Setup, in_memory
from supportplane_runtime import metrics
from supportplane_runtime.domain.answer import Outcome
from supportplane_runtime.model.chat import Endpoint, ServedChatModel, Timeouts
from supportplane_runtime.orchestrator.drafts import Author, Draft
from supportplane_runtime.orchestrator.grounding import proof
from supportplane_runtime.orchestrator.judge import ModelJudge, Question
from supportplane_runtime.orchestrator.policy import Policy, WritingPolicy
from supportplane_runtime.rag.search.interfaces import Retrieval

# Two busy cores have needed seconds for a token; only a hang should fail here.
PATIENT = Timeouts(first_token_s=120, between_tokens_s=60, total_s=240)
WRITES = Policy(tenant="default", writing=WritingPolicy(temperature=0.0, max_tokens=96), turn_timeout_s=280)
EVIDENCE = Retrieval("q", (ROTATE, BACKUP), confidence=0.9, in_scope=0.9)


@pytest.fixture
async def model(model_server_url: str, model_server_key: str) -> AsyncIterator[ServedChatModel]:
    served = ServedChatModel(Endpoint(model_server_url, "SmolLM2-135M-Instruct", model_server_key, PATIENT))
    yield served
    await served.close()


@pytest.mark.slow
@pytest.mark.parametrize("question", ["How do I rotate an API key?", "What does a backup hold?"])
async def test_only_proven_sentences_of_the_embedded_model_are_answered(model: ServedChatModel, question: str) -> None:
    async with in_memory(Setup(policy=WRITES, model=model, deadline_s=290)) as subject:
        answer = await subject.ask(question)
    assert answer.outcome is Outcome.ANSWERED
    assert answer.sources
    texts = {found.chunk.chunk_id: found.chunk.text for found in EVIDENCE.evidence}
    assert all(source.quote in texts[source.chunk_id] for source in answer.sources)
    sentences = [part.strip() for part in answer.response.replace("]", "").split("[")]
    claims = [part.lstrip("0123456789 ") for part in sentences if part.lstrip("0123456789 ")]
    assert claims
    for claim in claims:
        proofs = [proof(Draft(claim, Author.MODEL, passage), EVIDENCE) for passage in (0, 1)]
        assert any(proofs), claim


@pytest.mark.slow
async def test_a_model_server_that_is_gone_leaves_the_quoted_answer(free_port: int) -> None:
    gone = ServedChatModel(Endpoint(f"http://127.0.0.1:{free_port}/v1", "m", timeouts=Timeouts(first_token_s=5)))
    async with in_memory(Setup(policy=WRITES, model=gone, retriever=FixedRetriever())) as subject:
        answer = await subject.ask("How do I rotate an API key?")
    await gone.close()
    assert (answer.outcome, answer.model_share) == (Outcome.ANSWERED, 0.0)


ASKED = (Question("A key is rotated by a command.", ROTATE.chunk.text), Question("Tea is green.", BACKUP.chunk.text))


def judged(outcome: str) -> float:
    return float(metrics.JUDGE_CALLS.labels(outcome=outcome)._value.get())


@pytest.mark.slow
async def test_a_judge_over_http_gives_a_verdict_for_each_sentence_and_remembers_it(model: ServedChatModel) -> None:
    before, judge = judged("answered"), ModelJudge(model)
    found = await judge.verdicts(ASKED)
    assert found is not None
    assert [type(each) for each in found] == [bool, bool]
    assert await judge.verdicts(ASKED) == found
    assert judged("answered") == before + 1


@pytest.mark.slow
async def test_a_judge_over_http_that_is_gone_gives_no_verdict(free_port: int) -> None:
    before = judged("unavailable")
    gone = ServedChatModel(Endpoint(f"http://127.0.0.1:{free_port}/v1", "m", timeouts=Timeouts(first_token_s=5)))
    assert await ModelJudge(gone).verdicts(ASKED) is None
    await gone.close()
    assert judged("unavailable") == before + 1
