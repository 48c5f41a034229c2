"""What a turn leaves in logs and metrics, and what it holds on to while it runs."""

import pytest
import structlog

from support.eventually import eventually_async
from support.runtime.model_stand_in import StandIn, delta, listening_stand_in, plays_then_hangs
from support.runtime.turn_parts import FixedRetriever
from support.runtime.turn_subject import TENANT, Gate, Setup, asked, failure, in_memory
from supportplane_runtime import metrics
from supportplane_runtime.model.chat import Endpoint, ServedChatModel
from supportplane_runtime.orchestrator.policy import Policy, WritingPolicy

SECRET = "My password is hunter2, how do I rotate an API key?"
WRITES = Policy(tenant=TENANT, writing=WritingPolicy(0.1, 99))


async def test_logs_name_the_turn_and_hold_no_content() -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        async with in_memory(Setup()) as subject:
            request = asked(SECRET, context={"note": "hunter2"})
            turn = await subject.turns.start(request)
            answer = (await subject.events(request.turn_id))[-1]
    (ended,) = [entry for entry in logs if entry["event"] == "turn_ended"]
    assert (ended["outcome"], ended["attempt"], ended["tenant"]) == ("answered", 1, TENANT)
    assert (ended["turn_id"], ended["conversation_id"]) == (str(request.turn_id), str(turn.conversation_id))
    text = repr(logs)
    assert "hunter2" not in text
    assert "supportplane keys create" not in text
    assert answer.name == "final"


@pytest.mark.parametrize(
    ("question", "outcome"),
    [("How do I rotate an API key?", "answered"), ("hi", "small_talk"), ("human", "handed_off")],
)
async def test_turns_are_counted_by_outcome(question: str, outcome: str) -> None:
    counter = metrics.TURNS.labels(outcome=outcome)._value
    before = counter.get()
    async with in_memory(Setup()) as subject:
        await subject.ask(question)
    assert counter.get() == before + 1
    assert metrics.TURNS_RUNNING._value.get() == 0


async def test_cancelling_a_turn_closes_the_connection_to_the_model() -> None:
    async with listening_stand_in() as server:
        server.behaviours = [plays_then_hangs([delta('{"sentences": [')])]
        model = ServedChatModel(Endpoint(server.url, "m"))
        async with in_memory(Setup(policy=WRITES, model=model)) as subject:
            request = asked("How do I rotate an API key?")
            await subject.turns.start(request)
            await eventually_async(lambda: _is_asked(server))
            await subject.turns.cancel(TENANT, request.turn_id)
            assert failure(await subject.events(request.turn_id)).code == "turn-cancelled"
            await eventually_async(server.disconnected.is_set)
        await model.close()


def _is_asked(server: StandIn) -> bool:
    return server.open_requests > 0


async def test_a_process_that_is_told_to_stop_lets_running_turns_end() -> None:

    gate = Gate()
    request = asked("How do I rotate an API key?")
    async with in_memory(Setup(retriever=FixedRetriever(wait=gate))) as subject:
        await subject.turns.start(request)
        await eventually_async(lambda: gate.arrived == 1)
        gate.released.set()
    assert (await subject.turnbook.turn(TENANT, request.turn_id)).answer is not None
