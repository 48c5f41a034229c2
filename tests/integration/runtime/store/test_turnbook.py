"""What a turnbook promises, on every implementation."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from support.runtime.store_samples import ANSWER, HANDED_OFF, WISH, new_tenant, next_question, question
from supportplane_runtime.domain.answer import Outcome
from supportplane_runtime.domain.conversation import Role, TicketStatus, Turn, TurnStatus
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.errors import Conflict, NotFound, TurnFailed
from supportplane_runtime.store.interfaces.keys import KeyKind
from supportplane_runtime.store.interfaces.store import Store
from supportplane_runtime.store.interfaces.turns import Accepted
from supportplane_runtime.store.rules.tickets import TICKET_WINDOW
from supportplane_runtime.store.rules.turns import LEASE
from supportplane_runtime.turns.interfaces import TurnRequest

from .conftest import Subject


async def accept(store: Store, request: TurnRequest, *, owner: str = "worker-1", history: int = 10) -> Accepted:
    return await store.turnbook.accept(request, lease_owner=owner, history_limit=history)


async def test_an_accepted_turn_reads_back_as_it_was_asked(store: Store, tenant: str) -> None:
    request = question(tenant)

    accepted = await accept(store, request)

    assert accepted.created
    assert accepted.history == ()
    assert await store.turnbook.turn(tenant, request.turn_id) == accepted.turn
    assert accepted.turn == Turn(
        tenant=tenant,
        turn_id=request.turn_id,
        conversation_id=accepted.turn.conversation_id,
        user_id="alice",
        question=request.question,
        context=request.context,
        status=TurnStatus.ACCEPTED,
        created_at=accepted.turn.created_at,
        key_id="key-1",
    )


async def test_accepting_a_turn_again_returns_it_and_creates_nothing(store: Store, tenant: str) -> None:
    request = question(tenant)
    first = await accept(store, request)

    second = await accept(store, request, owner="worker-2")

    assert not second.created
    assert second.turn == first.turn
    assert len(await store.records.turns(tenant, first.turn.conversation_id, user_id=None, limit=10)) == 1


async def test_a_retry_that_names_the_conversation_it_was_given_is_the_same_turn(store: Store, tenant: str) -> None:
    request = question(tenant)
    first = await accept(store, request)

    again = await accept(store, replace(request, conversation_id=first.turn.conversation_id))

    assert not again.created
    assert again.turn == first.turn


@pytest.mark.parametrize(
    "change",
    [{"question": "Something else?"}, {"user_id": "bob"}, {"conversation_id": uuid4()}],
    ids=["question", "user", "conversation"],
)
async def test_a_turn_id_used_for_something_else_is_a_conflict(
    store: Store, tenant: str, change: dict[str, object]
) -> None:
    request = question(tenant)
    await accept(store, request)

    with pytest.raises(Conflict):
        await accept(store, replace(request, **change))  # type: ignore[arg-type]  # the table names real fields


async def test_of_many_concurrent_accepts_of_one_turn_one_creates_it(store: Store, tenant: str) -> None:
    request = question(tenant)

    accepted = await asyncio.gather(*(accept(store, request, owner=f"worker-{n}") for n in range(20)))

    assert sum(one.created for one in accepted) == 1
    assert {one.turn.conversation_id for one in accepted} == {accepted[0].turn.conversation_id}
    page = await store.records.conversations(tenant, user_id=None, after=None, limit=10)
    assert [summary.turns for summary in page.items] == [1]


async def test_of_many_concurrent_accepts_within_a_conversation_one_creates_the_turn(store: Store, tenant: str) -> None:
    begun = await accept(store, question(tenant))
    request = next_question(begun.turn.conversation_id, tenant)

    accepted = await asyncio.gather(*(accept(store, request) for _ in range(20)))

    assert sum(one.created for one in accepted) == 1
    summary = await store.records.conversation(tenant, begun.turn.conversation_id, user_id=None)
    assert summary.turns == 2


async def test_the_history_of_a_turn_is_what_was_said_before_it(store: Store, tenant: str) -> None:
    first = await accept(store, question(tenant, question="One?"))
    await store.turnbook.finish(first.turn, Ending(replace(ANSWER, response="One.")))
    second = await accept(store, next_question(first.turn.conversation_id, tenant, question="Two?"))
    await store.turnbook.finish(second.turn, Ending(replace(ANSWER, response="Two.", outcome=Outcome.DECLINED)))

    third = await accept(store, next_question(first.turn.conversation_id, tenant, question="Three?"))

    assert [(message.role, message.content, message.turn_id, message.outcome) for message in third.history] == [
        (Role.USER, "One?", first.turn.turn_id, None),
        (Role.ASSISTANT, "One.", first.turn.turn_id, Outcome.ANSWERED),
        (Role.USER, "Two?", second.turn.turn_id, None),
        (Role.ASSISTANT, "Two.", second.turn.turn_id, Outcome.DECLINED),
    ]
    assert all(message.created_at is not None for message in third.history)


async def test_history_is_cut_at_its_older_end(store: Store, tenant: str) -> None:
    first = await accept(store, question(tenant, question="One?"))
    await store.turnbook.finish(first.turn, Ending(replace(ANSWER, response="One.")))
    request = next_question(first.turn.conversation_id, tenant)

    one = await accept(store, request, history=1)
    none = await accept(store, request, history=0)

    assert [message.content for message in one.history] == ["One."]
    assert none.history == ()


async def test_two_turns_at_once_read_as_question_answer_question_answer(store: Store, tenant: str) -> None:
    first = await accept(store, question(tenant, question="One?"))
    second = await accept(store, next_question(first.turn.conversation_id, tenant, question="Two?"))
    assert [message.content for message in second.history] == ["One?"]

    await store.turnbook.finish(second.turn, Ending(replace(ANSWER, response="Two.")))
    await store.turnbook.finish(first.turn, Ending(replace(ANSWER, response="One.")))

    third = await accept(store, next_question(first.turn.conversation_id, tenant))
    assert [message.content for message in third.history] == ["One?", "One.", "Two?", "Two."]


async def test_a_conversation_that_does_not_exist_is_not_found(store: Store, tenant: str) -> None:
    with pytest.raises(NotFound):
        await accept(store, next_question(uuid4(), tenant))


async def test_another_users_conversation_is_not_found_and_stays_as_it_was(store: Store, tenant: str) -> None:
    theirs = await accept(store, question(tenant, user_id="alice"))

    with pytest.raises(NotFound):
        await accept(store, next_question(theirs.turn.conversation_id, tenant, user_id="bob"))

    assert (await store.records.conversation(tenant, theirs.turn.conversation_id, user_id=None)).turns == 1


async def test_a_finished_turn_reads_back_with_its_answer(store: Store, tenant: str) -> None:
    turn = (await accept(store, question(tenant))).turn

    answer = await store.turnbook.finish(turn, Ending(ANSWER))

    assert answer == ANSWER
    stored = await store.turnbook.turn(tenant, turn.turn_id)
    assert stored == replace(turn, status=TurnStatus.FINISHED, answer=ANSWER)


async def test_only_an_effect_gives_an_answer_its_ticket(store: Store, tenant: str) -> None:
    turn = (await accept(store, question(tenant))).turn

    answer = await store.turnbook.finish(turn, Ending(replace(ANSWER, ticket_id=uuid4())))

    assert answer == (await store.turnbook.turn(tenant, turn.turn_id)).answer == ANSWER
    (entry,) = await store.audit.listing(tenant, limit=10)
    assert entry.facts["ticket_id"] is None


async def test_finishing_twice_keeps_the_first_answer_and_one_message(store: Store, tenant: str) -> None:
    turn = (await accept(store, question(tenant))).turn
    await store.turnbook.finish(turn, Ending(ANSWER))

    second = await store.turnbook.finish(turn, Ending(HANDED_OFF, (WISH,)))

    assert second == ANSWER
    assert (await store.records.tickets(tenant, user_id=None, after=None, limit=10)).items == ()
    after = await accept(store, next_question(turn.conversation_id, tenant))
    assert [message.content for message in after.history] == [turn.question, ANSWER.response]
    assert len(await store.audit.listing(tenant, limit=10)) == 1


async def test_of_many_concurrent_finishes_of_one_turn_one_answer_stands(store: Store, tenant: str) -> None:
    turn = (await accept(store, question(tenant))).turn
    answers = [replace(ANSWER, response=f"Answer {n}.") for n in range(20)]

    stored = await asyncio.gather(*(store.turnbook.finish(turn, Ending(answer, (WISH,))) for answer in answers))

    assert len(set(stored)) == 1
    (ticket,) = (await store.records.tickets(tenant, user_id=None, after=None, limit=10)).items
    assert ticket.turn_ids == (turn.turn_id,)


async def test_fifty_turns_that_want_a_ticket_share_the_conversations_one(store: Store, tenant: str) -> None:
    begun = (await accept(store, question(tenant))).turn
    requests = [next_question(begun.conversation_id, tenant) for _ in range(50)]
    turns = [one.turn for one in await asyncio.gather(*(accept(store, request) for request in requests))]

    answers = await asyncio.gather(*(store.turnbook.finish(turn, Ending(HANDED_OFF, (WISH,))) for turn in turns))

    (ticket,) = (await store.records.tickets(tenant, user_id=None, after=None, limit=10)).items
    assert {answer.ticket_id for answer in answers} == {ticket.ticket_id}
    assert set(ticket.turn_ids) == {turn.turn_id for turn in turns}
    summary = await store.records.conversation(tenant, begun.conversation_id, user_id=None)
    assert (summary.open_ticket_id, summary.turns) == (ticket.ticket_id, 51)


LIMITED = replace(WISH, per_hour=2)


async def publishable_key(store: Store, tenant: str) -> str:
    scopes = frozenset({Scope.INVOKE})
    key, _ = await store.keys.create(
        tenant, "site", kind=KeyKind.PUBLISHABLE, scopes=scopes, origins=("https://shop.example",)
    )
    return key.key_id


async def ticket_of_new_conversation(store: Store, tenant: str, **changes: str) -> UUID | None:
    turn = (await accept(store, question(tenant, **changes))).turn
    return (await store.turnbook.finish(turn, Ending(HANDED_OFF, (LIMITED,)))).ticket_id


async def test_a_visitors_wish_beyond_an_hours_tickets_joins_the_newest(store: Store, tenant: str) -> None:
    key_id = await publishable_key(store, tenant)

    tickets = [await ticket_of_new_conversation(store, tenant, key_id=key_id) for _ in range(4)]
    others = await ticket_of_new_conversation(store, tenant, key_id=key_id, user_id="bob")

    assert len(set(tickets[:2])) == 2
    assert tickets[2:] == [tickets[1], tickets[1]]
    assert others not in tickets
    assert tickets[1] is not None
    assert len((await store.records.ticket(tenant, tickets[1], user_id="alice")).turn_ids) == 3


async def test_when_a_visitors_tickets_are_closed_the_newest_is_opened_again(store: Store, tenant: str) -> None:
    key_id = await publishable_key(store, tenant)
    older, newer = [await ticket_of_new_conversation(store, tenant, key_id=key_id) for _ in range(2)]
    assert older is not None
    assert newer is not None
    await store.records.close_ticket(tenant, newer)

    assert await ticket_of_new_conversation(store, tenant, key_id=key_id) == older

    await store.records.close_ticket(tenant, older)
    assert await ticket_of_new_conversation(store, tenant, key_id=key_id) == newer
    assert (await store.records.ticket(tenant, newer, user_id=None)).status is TicketStatus.OPEN


async def test_concurrent_wishes_of_a_visitor_open_no_more_tickets_than_an_hour_allows(
    store: Store, tenant: str
) -> None:
    key_id = await publishable_key(store, tenant)

    found = await asyncio.gather(*(ticket_of_new_conversation(store, tenant, key_id=key_id) for _ in range(12)))

    assert len(set(found)) == 2
    assert None not in found
    assert len((await store.records.tickets(tenant, user_id=None, after=None, limit=50)).items) == 2


async def test_the_users_that_a_server_names_open_as_many_tickets_as_it_says(store: Store, tenant: str) -> None:
    tickets = [await ticket_of_new_conversation(store, tenant) for _ in range(4)]

    assert len(set(tickets)) == 4


async def test_an_hour_later_a_visitor_opens_new_tickets(subject: Subject, tenant: str) -> None:
    store = subject.store
    key_id = await publishable_key(store, tenant)
    before = [await ticket_of_new_conversation(store, tenant, key_id=key_id) for _ in range(2)]

    subject.age(TICKET_WINDOW)

    assert await ticket_of_new_conversation(store, tenant, key_id=key_id) not in before


async def test_after_a_ticket_is_closed_the_next_wish_opens_a_new_one(store: Store, tenant: str) -> None:
    first = (await accept(store, question(tenant))).turn
    closed = (await store.turnbook.finish(first, Ending(HANDED_OFF, (WISH,)))).ticket_id
    assert closed is not None
    await store.records.close_ticket(tenant, closed)

    second = (await accept(store, next_question(first.conversation_id, tenant))).turn
    opened = (await store.turnbook.finish(second, Ending(HANDED_OFF, (WISH,)))).ticket_id

    assert opened not in (None, closed)
    assert (await store.turnbook.turn(tenant, second.turn_id)).answer == replace(HANDED_OFF, ticket_id=opened)
    assert (await store.turnbook.turn(tenant, first.turn_id)).answer == replace(HANDED_OFF, ticket_id=closed)


async def test_a_turn_that_was_never_accepted_cannot_end(store: Store, tenant: str) -> None:
    turn = (await accept(store, question(tenant))).turn
    unknown = replace(turn, turn_id=uuid4())

    with pytest.raises(NotFound):
        await store.turnbook.finish(unknown, Ending(ANSWER))
    with pytest.raises(NotFound):
        await store.turnbook.fail(unknown, "model-unavailable")
    with pytest.raises(NotFound):
        await store.turnbook.cancel(tenant, unknown.turn_id)
    with pytest.raises(NotFound):
        await store.turnbook.turn(tenant, unknown.turn_id)


async def test_a_failed_turn_keeps_its_reason_and_takes_no_answer(store: Store, tenant: str) -> None:
    turn = (await accept(store, question(tenant))).turn

    failed = await store.turnbook.fail(turn, "model-unavailable")

    assert failed == replace(turn, status=TurnStatus.FAILED, failure="model-unavailable")
    assert await store.turnbook.turn(tenant, turn.turn_id) == failed
    with pytest.raises(TurnFailed):
        await store.turnbook.finish(turn, Ending(ANSWER))


async def test_a_cancelled_turn_takes_no_answer_and_a_finished_one_is_not_cancelled(store: Store, tenant: str) -> None:
    cancelled = (await accept(store, question(tenant))).turn
    finished = (await accept(store, question(tenant))).turn
    await store.turnbook.finish(finished, Ending(ANSWER))

    assert (await store.turnbook.cancel(tenant, cancelled.turn_id)).status is TurnStatus.CANCELLED
    assert (await store.turnbook.cancel(tenant, finished.turn_id)).answer == ANSWER
    assert (await store.turnbook.fail(finished, "late")).status is TurnStatus.FINISHED
    with pytest.raises(TurnFailed):
        await store.turnbook.finish(cancelled, Ending(ANSWER))


async def test_a_turn_is_claimed_only_after_its_lease_ran_out(subject: Subject, tenant: str) -> None:
    book = subject.store.turnbook
    turn = (await accept(subject.store, question(tenant), owner="died")).turn
    assert await claimed(subject.store, tenant) == []

    subject.age(LEASE + timedelta(seconds=1))

    (taken,) = await claimed(subject.store, tenant)
    assert taken == Accepted(replace(turn, attempt=2), created=True, history=())
    assert await claimed(subject.store, tenant) == []
    assert await book.renew(tenant, [turn.turn_id], "died") == frozenset()
    assert await book.renew(tenant, [turn.turn_id], "rescuer") == {turn.turn_id}


async def test_a_renewed_turn_is_not_claimed(subject: Subject, tenant: str) -> None:
    turn = (await accept(subject.store, question(tenant), owner="busy")).turn
    subject.age(LEASE - timedelta(seconds=1))
    await subject.store.turnbook.renew(tenant, [turn.turn_id], "busy")
    subject.age(timedelta(seconds=2))

    assert await claimed(subject.store, tenant) == []


async def test_an_abandoned_turn_is_claimed_by_one_of_many(subject: Subject, tenant: str) -> None:
    turns = {(await accept(subject.store, question(tenant), owner="died")).turn.turn_id for _ in range(6)}
    subject.age(LEASE + timedelta(seconds=1))

    takings = await asyncio.gather(*(claimed(subject.store, tenant, f"rescuer-{n}") for n in range(8)))

    taken = [one.turn.turn_id for taking in takings for one in taking]
    assert sorted(taken) == sorted(turns)


async def test_a_stalled_worker_cannot_fail_a_turn_that_another_took_over(subject: Subject, tenant: str) -> None:
    stalled = (await accept(subject.store, question(tenant), owner="stalled")).turn
    subject.age(LEASE + timedelta(seconds=1))
    (taken,) = await claimed(subject.store, tenant)

    assert (await subject.store.turnbook.fail(stalled, "timeout")).status is TurnStatus.ACCEPTED
    assert await subject.store.turnbook.finish(taken.turn, Ending(ANSWER)) == ANSWER


async def test_a_claimed_turn_comes_with_its_history(subject: Subject, tenant: str) -> None:
    first = (await accept(subject.store, question(tenant, question="One?"))).turn
    await subject.store.turnbook.finish(first, Ending(ANSWER))
    await accept(subject.store, next_question(first.conversation_id, tenant), owner="died")
    subject.age(LEASE + timedelta(seconds=1))

    (taken,) = await claimed(subject.store, tenant)

    assert [message.content for message in taken.history] == ["One?", ANSWER.response]


async def test_ended_turns_are_audited_without_what_was_said(store: Store, tenant: str) -> None:
    finished = (await accept(store, question(tenant, question="Secret question?"))).turn
    answer = await store.turnbook.finish(finished, Ending(HANDED_OFF, (WISH,)))
    failed = (await accept(store, question(tenant))).turn
    await store.turnbook.fail(failed, "model-unavailable")

    latest, first = await store.audit.listing(tenant, limit=10)

    assert (first.actor, first.action, first.outcome) == ("key-1", "turn.end", "finished")
    assert first.facts == {
        "turn_id": str(finished.turn_id),
        "conversation_id": str(finished.conversation_id),
        "user_id": "alice",
        "attempt": 1,
        "outcome": "handed_off",
        "confidence": 0.125,
        "sources": 0,
        "ticket_id": str(answer.ticket_id),
    }
    assert (latest.outcome, latest.facts["turn_id"]) == ("model-unavailable", str(failed.turn_id))
    assert "Secret" not in repr(first)


async def claimed(store: Store, tenant: str, owner: str = "rescuer") -> list[Accepted]:
    return await store.turnbook.claim_abandoned(owner, limit=100, tenant=tenant)


async def test_a_worker_claims_its_tenants_turns_or_everyones(subject: Subject, tenant: str) -> None:
    other = new_tenant()
    turns = [(await accept(subject.store, question(name), owner="died")).turn for name in (tenant, other)]
    subject.age(LEASE + timedelta(seconds=1))

    (mine,) = await claimed(subject.store, tenant)
    everyones = await subject.store.turnbook.claim_abandoned("rescuer", limit=100)

    assert mine.turn.turn_id == turns[0].turn_id
    assert turns[1].turn_id in {one.turn.turn_id for one in everyones}
    assert turns[0].turn_id not in {one.turn.turn_id for one in everyones}


async def test_the_same_turn_id_may_be_used_by_two_tenants(store: Store, tenant: str) -> None:
    request = question(tenant)
    elsewhere = replace(request, tenant=new_tenant(), question="Another question?")

    assert (await accept(store, request)).created
    assert (await accept(store, elsewhere)).created
    assert (await store.turnbook.turn(tenant, request.turn_id)).question == request.question


async def test_agents_of_a_tenant_leave_each_others_abandoned_turns_alone(subject: Subject, tenant: str) -> None:
    book = subject.store.turnbook
    accepted = {
        agent: (await book.accept(question(tenant), lease_owner="dead", history_limit=0, agent=agent)).turn.turn_id
        for agent in ("shop", "bank", None)
    }
    subject.age(2 * LEASE)

    async def claimed(agent: str) -> set[UUID]:
        found = await book.claim_abandoned("rescuer", limit=100, tenant=tenant, agent=agent)
        return {each.turn.turn_id for each in found}

    assert await claimed("shop") == {accepted["shop"], accepted[None]}
    assert await claimed("other") == set()
    assert await claimed("bank") == {accepted["bank"]}
