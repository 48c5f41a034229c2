"""What reading promises, on every implementation."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from support.runtime.store_samples import ANSWER, HANDED_OFF, WISH, next_question, question
from supportplane_runtime.domain.conversation import Ticket, TicketStatus, Turn
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.errors import InvalidRequest, NotFound
from supportplane_runtime.store.interfaces.store import Store
from supportplane_runtime.store.pages import Page


async def asked(store: Store, tenant: str, **changes: Any) -> Turn:
    accepted = await store.turnbook.accept(question(tenant, **changes), lease_owner="w", history_limit=0)
    return accepted.turn


async def handed_off(store: Store, tenant: str, **changes: Any) -> UUID:
    answer = await store.turnbook.finish(await asked(store, tenant, **changes), Ending(HANDED_OFF, (WISH,)))
    assert answer.ticket_id is not None
    return answer.ticket_id


async def every_item(listing: Callable[[str | None], Awaitable[Page[Any]]]) -> list[Any]:
    items: list[Any] = []
    after: str | None = None
    for _ in range(20):
        page = await listing(after)
        items += page.items
        after = page.after
        if after is None:
            return items
    raise AssertionError("the listing does not end")


async def test_conversations_are_listed_newest_first_page_by_page(store: Store, tenant: str) -> None:
    turns = [await asked(store, tenant) for _ in range(5)]

    items = await every_item(lambda after: store.records.conversations(tenant, user_id=None, after=after, limit=2))

    assert [item.conversation_id for item in items] == [turn.conversation_id for turn in reversed(turns)]


async def test_a_full_last_page_has_no_next_one(store: Store, tenant: str) -> None:
    for _ in range(2):
        await asked(store, tenant)

    assert (await store.records.conversations(tenant, user_id=None, after=None, limit=2)).after is None


async def test_a_conversation_that_comes_while_paging_does_not_repeat_another(store: Store, tenant: str) -> None:
    first, second, third = [await asked(store, tenant) for _ in range(3)]
    page = await store.records.conversations(tenant, user_id=None, after=None, limit=2)
    await asked(store, tenant)

    rest = await store.records.conversations(tenant, user_id=None, after=page.after, limit=2)

    assert [item.conversation_id for item in page.items] == [third.conversation_id, second.conversation_id]
    assert [item.conversation_id for item in rest.items] == [first.conversation_id]


@pytest.mark.parametrize("cursor", ["x", "ä", "a" * 4000, "bm90LWEtY3Vyc29y", "MjAyNi0wMS0wMS9ub3QtYW4taWQ"])
async def test_a_cursor_of_ones_own_making_is_an_invalid_request(store: Store, tenant: str, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        await store.records.conversations(tenant, user_id=None, after=cursor, limit=2)
    with pytest.raises(InvalidRequest):
        await store.records.tickets(tenant, user_id=None, after=cursor, limit=2)


async def test_a_user_sees_only_their_own(store: Store, tenant: str) -> None:
    mine = await asked(store, tenant, user_id="alice")
    theirs = await asked(store, tenant, user_id="bob")
    my_ticket = await handed_off(store, tenant, user_id="alice")
    their_ticket = await handed_off(store, tenant, user_id="bob")
    records = store.records

    conversations = (await records.conversations(tenant, user_id="alice", after=None, limit=10)).items
    tickets = (await records.tickets(tenant, user_id="alice", after=None, limit=10)).items

    assert {item.user_id for item in conversations} == {"alice"}
    assert [ticket.ticket_id for ticket in tickets] == [my_ticket]
    assert (await records.conversation(tenant, mine.conversation_id, user_id="alice")).turns == 1
    with pytest.raises(NotFound):
        await records.conversation(tenant, theirs.conversation_id, user_id="alice")
    with pytest.raises(NotFound):
        await records.turns(tenant, theirs.conversation_id, user_id="alice", limit=10)
    with pytest.raises(NotFound):
        await records.ticket(tenant, their_ticket, user_id="alice")


async def test_the_last_turns_of_a_conversation_are_read_oldest_first(store: Store, tenant: str) -> None:
    first = await asked(store, tenant)
    await store.turnbook.finish(first, Ending(ANSWER))
    for _ in range(3):
        request = next_question(first.conversation_id, tenant)
        await store.turnbook.accept(request, lease_owner="w", history_limit=0)

    everything = await store.records.turns(tenant, first.conversation_id, user_id=None, limit=10)
    last = await store.records.turns(tenant, first.conversation_id, user_id=None, limit=2)

    assert len(everything) == 4
    assert (everything[0].turn_id, everything[0].answer) == (first.turn_id, ANSWER)
    assert last == everything[-2:]


async def test_a_ticket_is_read_and_closed_once(store: Store, tenant: str) -> None:
    turn = await asked(store, tenant)
    ticket_id = (await store.turnbook.finish(turn, Ending(HANDED_OFF, (WISH,)))).ticket_id
    assert ticket_id is not None

    ticket = await store.records.ticket(tenant, ticket_id, user_id="alice")
    closed = await store.records.close_ticket(tenant, ticket_id)

    assert ticket == Ticket(
        tenant=tenant,
        ticket_id=ticket_id,
        conversation_id=turn.conversation_id,
        user_id="alice",
        status=TicketStatus.OPEN,
        reason=WISH.reason,
        subject=WISH.subject,
        queue=WISH.queue,
        created_at=ticket.created_at,
        turn_ids=(turn.turn_id,),
    )
    assert closed.status is TicketStatus.CLOSED
    assert await store.records.close_ticket(tenant, ticket_id) == closed
    assert (await store.records.conversation(tenant, turn.conversation_id, user_id=None)).open_ticket_id is None


async def test_tickets_are_listed_newest_first_page_by_page(store: Store, tenant: str) -> None:
    ids = [await handed_off(store, tenant) for _ in range(5)]

    items = await every_item(lambda after: store.records.tickets(tenant, user_id=None, after=after, limit=2))

    assert [ticket.ticket_id for ticket in items] == list(reversed(ids))


async def test_what_is_not_there_is_not_found(store: Store, tenant: str) -> None:
    with pytest.raises(NotFound):
        await store.records.conversation(tenant, uuid4(), user_id=None)
    with pytest.raises(NotFound):
        await store.records.turns(tenant, uuid4(), user_id=None, limit=1)
    with pytest.raises(NotFound):
        await store.records.ticket(tenant, uuid4(), user_id=None)
    with pytest.raises(NotFound):
        await store.records.close_ticket(tenant, uuid4())
