"""What every implementation of Turns promises. See conftest.py for which there are."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from uuid import uuid4

import pytest

from support.eventually import eventually_async
from support.runtime.turn_parts import FixedRetriever
from support.runtime.turn_subject import TENANT, Factory, Gate, Setup, asked, failure
from supportplane_runtime.domain.answer import Outcome
from supportplane_runtime.domain.conversation import TicketReason, TurnStatus
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.errors import Conflict, KnowledgeUnavailable, NotFound, Unavailable
from supportplane_runtime.turns.events import Answered, Progress, Sources, Token

QUESTION = "How do I rotate an API key?"
UNKNOWN = FixedRetriever(confidence=0.1, in_scope=0.9)


async def test_a_turn_streams_its_steps_its_text_its_sources_and_its_end(factory: Factory) -> None:
    async with factory(Setup()) as subject:
        request = asked(QUESTION)
        turn = await subject.turns.start(request)
        events = await subject.events(request.turn_id)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    steps = [event.step for event in events if isinstance(event, Progress)]
    assert steps == ["understand", "retrieve", "answer", "verify"]
    *_, sources, final = events
    assert isinstance(sources, Sources)
    assert isinstance(final, Answered)
    assert (final.turn_id, final.conversation_id) == (request.turn_id, turn.conversation_id)
    assert "".join(event.text for event in events if isinstance(event, Token)) == final.answer.response
    assert final.answer.sources == sources.sources
    assert final.answer.outcome is Outcome.ANSWERED


async def test_the_answer_is_stored_before_it_is_announced(factory: Factory) -> None:
    async with factory(Setup()) as subject:
        request = asked(QUESTION)
        await subject.turns.start(request)
        final = (await subject.events(request.turn_id))[-1]
        stored = await subject.turnbook.turn(TENANT, request.turn_id)
    assert isinstance(final, Answered)
    assert (stored.status, stored.answer) == (TurnStatus.FINISHED, final.answer)


async def test_the_same_turn_started_twice_is_one_turn(factory: Factory) -> None:
    gate = Gate()
    async with factory(Setup(retriever=FixedRetriever(wait=gate))) as subject:
        request = asked(QUESTION)
        first, second = await asyncio.gather(subject.turns.start(request), subject.turns.start(request))
        gate.released.set()
        events = await subject.events(request.turn_id)
        third = await subject.turns.start(request)
    assert first.conversation_id == second.conversation_id
    assert third.status is TurnStatus.FINISHED
    assert isinstance(events[-1], Answered)
    assert gate.arrived == 1


async def test_a_turn_id_used_for_another_question_is_a_conflict(factory: Factory) -> None:
    async with factory(Setup()) as subject:
        request = asked(QUESTION)
        await subject.turns.start(request)
        for other in (replace(request, question="Something else?"), replace(request, user_id="eve")):
            with pytest.raises(Conflict):
                await subject.turns.start(other)


async def test_a_client_that_comes_back_gets_only_what_it_missed(factory: Factory) -> None:
    async with factory(Setup()) as subject:
        request = asked(QUESTION)
        await subject.turns.start(request)
        whole = await subject.events(request.turn_id)
        rest = await subject.events(request.turn_id, after=3)
    assert rest == whole[3:]


async def test_a_client_that_has_seen_the_end_is_told_nothing_and_not_kept(factory: Factory) -> None:
    async with factory(Setup()) as subject:
        request = asked(QUESTION)
        await subject.turns.start(request)
        last = (await subject.events(request.turn_id))[-1].sequence
        for after in (last, last + 1, 2**31):
            assert await subject.events(request.turn_id, after=after) == []


async def test_leaving_the_stream_does_not_stop_the_turn(factory: Factory) -> None:
    gate = Gate()
    async with factory(Setup(retriever=FixedRetriever(wait=gate))) as subject:
        request = asked(QUESTION)
        await subject.turns.start(request)
        async with aclosing(subject.turns.stream(TENANT, request.turn_id)) as stream:  # type: ignore[type-var]
            assert isinstance(await anext(stream), Progress)
        gate.released.set()
        assert isinstance((await subject.events(request.turn_id, after=1))[-1], Answered)


async def test_several_listeners_hear_the_same(factory: Factory) -> None:
    gate = Gate()
    async with factory(Setup(retriever=FixedRetriever(wait=gate))) as subject:
        request = asked(QUESTION)
        await subject.turns.start(request)
        listeners = [asyncio.create_task(subject.events(request.turn_id)) for _ in range(3)]
        await eventually_async(lambda: gate.arrived == 1)
        gate.released.set()
        heard = await asyncio.gather(*listeners)
    assert heard[0] == heard[1] == heard[2]


async def test_another_tenants_turn_is_not_found(factory: Factory) -> None:
    async with factory(Setup()) as subject:
        request = asked(QUESTION)
        await subject.turns.start(request)
        with pytest.raises(NotFound):
            await subject.events(request.turn_id, tenant="other")
        with pytest.raises(NotFound):
            await subject.turns.cancel("other", request.turn_id)
        with pytest.raises(NotFound):
            await subject.turns.start(asked(QUESTION, tenant="other"))
        with pytest.raises(NotFound):
            await subject.events(uuid4())


async def test_a_conversation_of_another_user_is_not_found(factory: Factory) -> None:
    async with factory(Setup()) as subject:
        turn = await subject.turns.start(asked(QUESTION))
        with pytest.raises(NotFound):
            await subject.turns.start(asked(QUESTION, user_id="eve", conversation_id=turn.conversation_id))


async def test_a_cancelled_turn_ends_as_cancelled_and_stays_so(factory: Factory) -> None:
    gate = Gate()
    async with factory(Setup(retriever=FixedRetriever(wait=gate))) as subject:
        request = asked(QUESTION)
        await subject.turns.start(request)
        listening = asyncio.create_task(subject.events(request.turn_id))
        await eventually_async(lambda: gate.arrived == 1)
        await subject.turns.cancel(TENANT, request.turn_id)
        ended = failure(await listening)
        again = failure(await subject.events(request.turn_id))
        stored = await subject.turnbook.turn(TENANT, request.turn_id)
    assert (ended.code, again.code, ended.retryable) == ("turn-cancelled", "turn-cancelled", False)
    assert (stored.status, stored.answer) == (TurnStatus.CANCELLED, None)


async def test_cancelling_a_finished_turn_leaves_its_answer(factory: Factory) -> None:
    async with factory(Setup()) as subject:
        request = asked(QUESTION)
        await subject.turns.start(request)
        before = await subject.events(request.turn_id)
        await subject.turns.cancel(TENANT, request.turn_id)
        assert (await subject.events(request.turn_id))[-1] == before[-1]


async def test_a_step_that_fails_ends_the_turn_with_its_code(factory: Factory) -> None:
    async def away() -> None:
        raise KnowledgeUnavailable("The documents cannot be searched now")

    async with factory(Setup(retriever=FixedRetriever(wait=away))) as subject:
        request = asked(QUESTION)
        await subject.turns.start(request)
        ended = failure(await subject.events(request.turn_id))
        stored = await subject.turnbook.turn(TENANT, request.turn_id)
    assert (ended.code, ended.retryable) == ("knowledge-unavailable", True)
    assert (stored.status, stored.failure) == (TurnStatus.FAILED, "knowledge-unavailable")


async def test_a_bug_in_a_step_ends_the_turn_and_not_the_process(factory: Factory) -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    retriever = FixedRetriever(wait=broken)
    async with factory(Setup(retriever=retriever)) as subject:
        request = asked(QUESTION)
        await subject.turns.start(request)
        ended = failure(await subject.events(request.turn_id))
        retriever.wait = None
        assert (await subject.ask(QUESTION)).outcome is Outcome.ANSWERED
    assert ended.code == "turn-failed"
    assert "ZeroDivisionError" not in ended.detail


async def test_a_turn_that_takes_too_long_ends_as_timed_out(factory: Factory) -> None:
    setup = Setup(retriever=FixedRetriever(wait=Gate()))
    setup = replace(setup, policy=replace(setup.policy, turn_timeout_s=0.05))
    async with factory(setup) as subject:
        request = asked(QUESTION)
        await subject.turns.start(request)
        ended = failure(await subject.events(request.turn_id))
    assert (ended.code, ended.retryable) == ("turn-timeout", True)


async def test_more_turns_than_the_bound_are_refused_before_they_are_accepted(factory: Factory) -> None:
    gate = Gate()
    setup = Setup(retriever=FixedRetriever(wait=gate))
    async with factory(replace(setup, bounds=replace(setup.bounds, running=2))) as subject:
        requests = [asked(QUESTION) for _ in range(2)]
        await asyncio.gather(*(subject.turns.start(request) for request in requests))
        refused = asked(QUESTION)
        with pytest.raises(Unavailable) as info:
            await subject.turns.start(refused)
        with pytest.raises(NotFound):
            await subject.turnbook.turn(TENANT, refused.turn_id)
        gate.released.set()
        for request in requests:
            assert isinstance((await subject.events(request.turn_id))[-1], Answered)
    assert info.value.retry_after_s


async def test_one_ticket_a_conversation_to_which_later_turns_append(factory: Factory) -> None:
    async with factory(Setup(retriever=UNKNOWN)) as subject:
        first = asked("Does it support SAP?")
        turn = await subject.turns.start(first)
        await subject.events(first.turn_id)
        conversation = turn.conversation_id
        second = await subject.ask("I want to talk to a human", conversation_id=conversation)
        third = await subject.ask("And Oracle databases?", conversation_id=conversation)
        ours = [ticket for ticket in await subject.tickets() if ticket.conversation_id == conversation]
    assert (second.outcome, third.outcome) == (Outcome.HANDED_OFF, Outcome.HANDED_OFF)
    (ticket,) = ours
    assert second.ticket_id == third.ticket_id == ticket.ticket_id
    assert (ticket.reason, ticket.subject) == (TicketReason.MISSING_KNOWLEDGE, "Does it support SAP?")
    assert len(ticket.turn_ids) == 3


async def test_turns_of_one_conversation_at_once_open_one_ticket(factory: Factory) -> None:
    async with factory(Setup(retriever=UNKNOWN)) as subject:
        turn = await subject.turns.start(asked("Does it support SAP?"))
        asking = [subject.ask(f"Does it support {n}?", conversation_id=turn.conversation_id) for n in range(8)]
        answers = await asyncio.gather(*asking)
        await subject.events(turn.turn_id)
        ours = [ticket for ticket in await subject.tickets() if ticket.conversation_id == turn.conversation_id]
    assert {answer.ticket_id for answer in answers} == {ours[0].ticket_id}
    assert len(ours) == 1
    assert len(ours[0].turn_ids) == 9


async def test_small_talk_and_questions_out_of_scope_open_no_ticket(factory: Factory) -> None:
    async with factory(Setup(retriever=FixedRetriever(confidence=0.1, in_scope=0.0))) as subject:
        before = len(await subject.tickets())
        assert (await subject.ask("hello")).outcome is Outcome.SMALL_TALK
        assert (await subject.ask("Who won the world cup in 1954?")).outcome is Outcome.DECLINED
        assert len(await subject.tickets()) == before


async def test_a_vague_question_is_asked_back_once_and_then_handed_off(factory: Factory) -> None:
    async with factory(Setup(retriever=UNKNOWN)) as subject:
        request = asked("it does not work")
        turn = await subject.turns.start(request)
        first = (await subject.events(request.turn_id))[-1]
        second = await subject.ask("it still does not work", conversation_id=turn.conversation_id)
    assert isinstance(first, Answered)
    assert (first.answer.outcome, first.answer.ticket_id) == (Outcome.ASKED_BACK, None)
    assert (second.outcome, second.ticket_id is None) == (Outcome.HANDED_OFF, False)


async def test_the_conversation_is_read_for_the_next_turn(factory: Factory) -> None:
    async with factory(Setup()) as subject:
        turn = await subject.turns.start(asked(QUESTION))
        await subject.events(turn.turn_id)
        await subject.ask("And on Windows?", conversation_id=turn.conversation_id)
    question, history = subject.retriever.questions[-1]
    assert question == "And on Windows?"
    assert [message.content for message in history][:1] == [QUESTION]
    assert len(history) == 2


async def test_an_abandoned_turn_is_taken_up_and_finished_once(factory: Factory) -> None:
    """Accepted by a process that died: here, by a Turnbook that nobody works for."""
    async with factory(Setup(retriever=UNKNOWN)) as subject:
        request = asked("Does it support SAP?")
        await subject.turnbook.accept(request, lease_owner="a process that died", history_limit=0)
        await subject.abandon(request.turn_id)
        events = await subject.events(request.turn_id)
        tickets = [ticket for ticket in await subject.tickets() if request.turn_id in ticket.turn_ids]
    assert isinstance(events[-1], Answered)
    assert not any(isinstance(event, Token) for event in events)
    assert len(tickets) == 1


async def test_a_turn_that_no_process_survives_is_failed(factory: Factory) -> None:
    async with factory(Setup(bounds=replace(Setup().bounds, sweep_s=60))) as subject:
        request = asked(QUESTION)
        await subject.turnbook.accept(request, lease_owner="p1", history_limit=0)
        for owner in ("p2", "p3"):
            await subject.abandon(request.turn_id)
            await subject.turnbook.claim_abandoned(owner, limit=10)
        await subject.abandon(request.turn_id)
        assert await subject.turns.resume() == 1
        assert failure(await subject.events(request.turn_id)).code == "turn-failed"


async def test_a_turn_taken_over_by_another_process_is_left_to_it(factory: Factory) -> None:
    gate = Gate()
    setup = Setup(retriever=FixedRetriever(wait=gate))
    async with factory(replace(setup, bounds=replace(setup.bounds, sweep_s=60))) as subject:
        request = asked(QUESTION)
        turn = await subject.turns.start(request)
        listening = asyncio.create_task(subject.events(request.turn_id))
        await eventually_async(lambda: gate.arrived == 1)
        await subject.abandon(request.turn_id)
        (claimed,) = [
            a for a in await subject.turnbook.claim_abandoned("another", limit=10) if a.turn.turn_id == turn.turn_id
        ]
        final = await subject.ask("hi")
        stands = await subject.turnbook.finish(claimed.turn, Ending(replace(final, response="from another process")))
        last = (await listening)[-1]
    assert isinstance(last, Answered)
    assert last.answer == stands
