"""No method of the store shows or changes another tenant's rows, whichever of its ids a caller knows."""

from dataclasses import dataclass, replace
from uuid import UUID

import psycopg
import pytest
from psycopg.errors import ForeignKeyViolation

from support.runtime.store_samples import ANSWER, HANDED_OFF, WISH, next_question, question
from supportplane_runtime.domain.conversation import Feedback, Rating, Turn, TurnStatus
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.errors import NotFound
from supportplane_runtime.store.interfaces.keys import KeyKind
from supportplane_runtime.store.interfaces.store import Store
from supportplane_runtime.store.postgres.store import PostgresStore


@dataclass(frozen=True, slots=True)
class Owned:
    """What one tenant has: a running turn, a finished one with a ticket, a key."""

    running: Turn
    finished: Turn
    ticket_id: UUID
    key_id: str


async def fill(store: Store, tenant: str) -> Owned:
    running = (await store.turnbook.accept(question(tenant), lease_owner="w", history_limit=0)).turn
    finished = (await store.turnbook.accept(question(tenant), lease_owner="w", history_limit=0)).turn
    answer = await store.turnbook.finish(finished, Ending(HANDED_OFF, (WISH,)))
    key, _ = await store.keys.create(tenant, "k", kind=KeyKind.SECRET, scopes=frozenset(Scope), origins=())
    assert answer.ticket_id is not None
    return Owned(running, finished, answer.ticket_id, key.key_id)


async def test_another_tenants_ids_are_not_found_by_any_method(store: Store, tenant: str, other_tenant: str) -> None:
    owned = await fill(store, tenant)
    await fill(store, other_tenant)
    foreign = replace(owned.running, tenant=other_tenant)
    conversation_id = owned.running.conversation_id
    calls = {
        "accept": lambda: store.turnbook.accept(
            next_question(conversation_id, other_tenant), lease_owner="w", history_limit=9
        ),
        "turn": lambda: store.turnbook.turn(other_tenant, owned.running.turn_id),
        "finish": lambda: store.turnbook.finish(foreign, Ending(ANSWER, (WISH,))),
        "fail": lambda: store.turnbook.fail(foreign, "x"),
        "cancel": lambda: store.turnbook.cancel(other_tenant, owned.running.turn_id),
        "conversation": lambda: store.records.conversation(other_tenant, conversation_id, user_id=None),
        "turns": lambda: store.records.turns(other_tenant, conversation_id, user_id=None, limit=9),
        "ticket": lambda: store.records.ticket(other_tenant, owned.ticket_id, user_id=None),
        "close_ticket": lambda: store.records.close_ticket(other_tenant, owned.ticket_id),
        "feedback": lambda: store.feedback.save(
            Feedback(other_tenant, owned.finished.turn_id, "alice", Rating.UP), any_user=True
        ),
        "revoke": lambda: store.keys.revoke(other_tenant, owned.key_id),
    }

    told = []
    for name, call in calls.items():
        try:
            await call()  # type: ignore[no-untyped-call]  # calls of eleven types
        except NotFound:
            continue
        told.append(name)

    assert told == []
    assert await store.turnbook.renew(other_tenant, [owned.running.turn_id], "w") == frozenset()
    assert (await store.turnbook.turn(tenant, owned.running.turn_id)).status is TurnStatus.ACCEPTED
    assert (await store.records.conversation(tenant, owned.finished.conversation_id, user_id=None)).open_ticket_id


async def test_listings_hold_only_the_tenants_own(store: Store, tenant: str, other_tenant: str) -> None:
    await fill(store, other_tenant)
    owned = await fill(store, tenant)

    conversations = (await store.records.conversations(tenant, user_id=None, after=None, limit=99)).items
    tickets = (await store.records.tickets(tenant, user_id=None, after=None, limit=99)).items

    mine = {owned.running.conversation_id, owned.finished.conversation_id}
    assert {item.conversation_id for item in conversations} == mine
    assert [ticket.ticket_id for ticket in tickets] == [owned.ticket_id]
    assert [key.key_id for key in await store.keys.listing(tenant)] == [owned.key_id]
    assert {entry.tenant for entry in await store.audit.listing(tenant, limit=99)} == {tenant}


async def test_a_cursor_of_another_tenants_listing_shows_nothing_of_theirs(
    store: Store, tenant: str, other_tenant: str
) -> None:
    await fill(store, tenant)
    await fill(store, other_tenant)
    cursor = (await store.records.conversations(other_tenant, user_id=None, after=None, limit=1)).after

    page = await store.records.conversations(tenant, user_id=None, after=cursor, limit=99)

    theirs = (await store.records.conversations(other_tenant, user_id=None, after=None, limit=99)).items
    assert not {item.conversation_id for item in page.items} & {item.conversation_id for item in theirs}


CROSSINGS = {
    "conversation of a foreign user": "UPDATE conversations SET tenant = %(other)s WHERE tenant = %(tenant)s",
    "turn of a foreign conversation": "UPDATE turns SET tenant = %(other)s WHERE tenant = %(tenant)s",
    "message of a foreign turn": "UPDATE messages SET tenant = %(other)s WHERE tenant = %(tenant)s",
    "ticket of a foreign conversation": "UPDATE tickets SET tenant = %(other)s WHERE tenant = %(tenant)s",
    "foreign turn on a ticket": "UPDATE ticket_turns SET tenant = %(other)s WHERE tenant = %(tenant)s",
    "feedback on a foreign turn": "UPDATE feedback SET tenant = %(other)s WHERE tenant = %(tenant)s",
}


@pytest.mark.slow
@pytest.mark.parametrize("crossing", CROSSINGS.values(), ids=CROSSINGS.keys())
async def test_the_database_itself_refuses_a_row_that_points_across_tenants(
    postgres_store: PostgresStore, migrated_database_url: str, tenant: str, other_tenant: str, crossing: str
) -> None:
    owned = await fill(postgres_store, tenant)
    await postgres_store.feedback.save(Feedback(tenant, owned.finished.turn_id, "alice", Rating.UP), any_user=False)
    with psycopg.connect(migrated_database_url) as connection:
        connection.execute("INSERT INTO tenants (tenant) VALUES (%s)", (other_tenant,))
        with pytest.raises(ForeignKeyViolation):
            connection.execute(crossing.encode(), {"tenant": tenant, "other": other_tenant})
