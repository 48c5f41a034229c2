"""What the store does when the database or the way to it fails, at the moments that matter."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar
from uuid import uuid4

import psycopg
import pytest

from support.eventually import eventually_async
from support.fault_proxy import FaultProxy, Mode, proxied
from support.runtime.store_samples import ANSWER, HANDED_OFF, WISH, next_question, question
from supportplane_cli.embedded.postgres import Postgres, PostgresSpec
from supportplane_runtime.domain.conversation import Feedback, Rating, Turn, TurnStatus
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.errors import InvalidRequest, StoreUnavailable
from supportplane_runtime.orchestrator.checkpoints import checkpoint_saver, stale_threads
from supportplane_runtime.store.interfaces.audit import AuditEntry
from supportplane_runtime.store.interfaces.feedback import FeedbackFilter
from supportplane_runtime.store.interfaces.keys import KeyKind
from supportplane_runtime.store.interfaces.store import Store
from supportplane_runtime.store.interfaces.turns import Accepted
from supportplane_runtime.store.migrate import upgrade
from supportplane_runtime.store.postgres.database import DEADLINE_S
from supportplane_runtime.store.postgres.store import PostgresStore
from supportplane_runtime.store.rules.turns import conversation_of
from supportplane_runtime.turns.interfaces import TurnRequest

from .conftest import Opening

pytestmark = pytest.mark.slow

# How long a test waits for what has to happen, on a busy machine; nothing is concluded from how long it took.
PATIENCE_S = DEADLINE_S + 25


@pytest.fixture
async def proxy(migrated_database_url: str) -> AsyncIterator[FaultProxy]:
    parts = psycopg.conninfo.conninfo_to_dict(migrated_database_url)
    async with proxied(str(parts["host"]), int(parts["port"] or 0)) as proxy:
        yield proxy


@pytest.fixture
async def store(opening: Opening, proxy: FaultProxy, migrated_database_url: str) -> AsyncIterator[PostgresStore]:
    """One connection through the proxy, on which the statements are prepared: a lost reply is that of the statement."""
    url = psycopg.conninfo.make_conninfo(migrated_database_url, host="127.0.0.1", port=proxy.port)
    store = await opening(url, 1)
    first = await asked(store, "warm-up")
    again = next_question(first.conversation_id, "warm-up")
    await store.turnbook.accept(again, lease_owner="me", history_limit=9)
    await store.turnbook.finish(first, Ending(HANDED_OFF, (WISH,)))
    yield store
    proxy.set_mode(Mode.PASS)


async def asked(store: Store, tenant: str) -> Turn:
    return (await store.turnbook.accept(question(tenant), lease_owner="me", history_limit=9)).turn


async def test_once_a_caller_has_waited_in_vain_the_next_ones_are_told_at_once(
    opening: Opening, free_port: int
) -> None:
    """A request is several statements; it would otherwise wait the whole time for each."""
    store = await opening(f"postgresql://u:p@127.0.0.1:{free_port}/nothing", 1)
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(20):
            with pytest.raises(StoreUnavailable):
                await store.records.tickets("acme", user_id=None, after=None, limit=1)
            with pytest.raises(StoreUnavailable):
                await stale_threads(checkpoint_saver(store.database.pool), now=datetime.now(UTC))


@pytest.mark.parametrize("lost", [Mode.LOSE_REPLY, Mode.LOSE_REQUEST], ids=["reply", "request"])
async def test_a_finish_that_lost_its_connection_happens_exactly_once(
    store: PostgresStore, proxy: FaultProxy, tenant: str, lost: Mode
) -> None:
    turn = await asked(store, tenant)

    proxy.set_mode(lost)
    answer = await store.turnbook.finish(turn, Ending(HANDED_OFF, (WISH,)))

    assert proxy.cuts == 1
    (ticket,) = (await store.records.tickets(tenant, user_id=None, after=None, limit=9)).items
    assert answer == replace(HANDED_OFF, ticket_id=ticket.ticket_id)
    assert (await store.turnbook.turn(tenant, turn.turn_id)).answer == answer
    assert ticket.turn_ids == (turn.turn_id,)
    assert len(await store.audit.listing(tenant, limit=9)) == 1


@pytest.mark.parametrize(("lost", "attempt"), [(Mode.LOSE_REPLY, 2), (Mode.LOSE_REQUEST, 1)], ids=["reply", "request"])
async def test_an_accept_that_lost_its_connection_leaves_one_turn_that_is_ours_to_work_on(
    store: PostgresStore, proxy: FaultProxy, tenant: str, lost: Mode, attempt: int
) -> None:
    begun = await asked(store, tenant)
    request = next_question(begun.conversation_id, tenant)

    proxy.set_mode(lost)
    accepted = await store.turnbook.accept(request, lease_owner="me", history_limit=9)

    assert proxy.cuts == 1
    assert accepted.created
    assert (accepted.turn.turn_id, accepted.turn.attempt) == (request.turn_id, attempt)
    assert [message.content for message in accepted.history] == [begun.question]
    assert (await store.records.conversation(tenant, begun.conversation_id, user_id=None)).turns == 2


async def test_an_accept_that_lost_its_connection_does_not_take_anothers_turn(
    store: PostgresStore, proxy: FaultProxy, tenant: str
) -> None:
    request = question(tenant)
    await store.turnbook.accept(request, lease_owner="somebody else", history_limit=0)

    proxy.set_mode(Mode.LOSE_REPLY)
    accepted = await store.turnbook.accept(request, lease_owner="me", history_limit=0)

    assert not accepted.created
    assert accepted.turn.attempt == 1


async def test_a_call_that_loses_its_connection_twice_says_so(
    store: PostgresStore, proxy: FaultProxy, tenant: str
) -> None:
    turn = await asked(store, tenant)
    await proxy.close()

    with pytest.raises(StoreUnavailable):
        async with asyncio.timeout(PATIENCE_S):
            await store.turnbook.finish(turn, Ending(ANSWER))


async def test_a_database_that_hangs_is_unavailable_and_then_taken_up_again(
    store: PostgresStore, proxy: FaultProxy, tenant: str
) -> None:
    turn = await asked(store, tenant)

    proxy.set_mode(Mode.HANG)
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(StoreUnavailable):
            await store.turnbook.turn(tenant, turn.turn_id)
    proxy.set_mode(Mode.PASS)

    assert await eventually(lambda: store.turnbook.finish(turn, Ending(ANSWER))) == ANSWER


async def test_a_caller_that_goes_while_the_database_hangs_leaves_nothing_behind(
    store: PostgresStore, proxy: FaultProxy, tenant: str
) -> None:
    turn = await asked(store, tenant)
    proxy.set_mode(Mode.HANG)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await store.turnbook.turn(tenant, turn.turn_id)
    proxy.set_mode(Mode.PASS)

    assert (await eventually(lambda: store.turnbook.turn(tenant, turn.turn_id))).turn_id == turn.turn_id


async def test_connections_that_the_server_ended_are_replaced_unseen(
    opening: Opening, migrated_database_url: str, postgres_server: Postgres, tenant: str
) -> None:
    store = await opening(migrated_database_url, 8)
    turns = await asyncio.gather(*(asked(store, tenant) for _ in range(20)))
    database = migrated_database_url.rpartition("/")[2]
    with psycopg.connect(postgres_server.url("postgres", superuser=True), autocommit=True) as connection:
        ended = connection.execute(  # waits for each to be gone
            "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity"
            " WHERE datname = %s AND application_name <> ''",
            (database,),
        ).fetchall()
    assert {gone for (gone,) in ended} == {True}

    first = await store.turnbook.finish(turns[0], Ending(ANSWER))  # its second run finds a connection that lives
    rest = await asyncio.gather(*(store.turnbook.finish(turn, Ending(ANSWER)) for turn in turns[1:]))

    assert [first, *rest] == [ANSWER] * 20


async def test_a_statement_that_waits_for_a_lock_gives_up_and_changes_nothing(
    store: PostgresStore, migrated_database_url: str, tenant: str
) -> None:
    turn = await asked(store, tenant)
    async with locked(migrated_database_url, "SELECT FROM turns WHERE tenant = %s FOR UPDATE", tenant):
        with pytest.raises(StoreUnavailable):
            async with asyncio.timeout(PATIENCE_S):
                await store.turnbook.finish(turn, Ending(ANSWER))

    assert (await store.turnbook.turn(tenant, turn.turn_id)).status is TurnStatus.ACCEPTED
    assert await store.turnbook.finish(turn, Ending(ANSWER)) == ANSWER


async def test_accepts_of_one_turn_that_wait_for_the_same_conversation_create_it_once(
    opening: Opening, migrated_database_url: str, tenant: str
) -> None:
    store = await opening(migrated_database_url, 4)
    begun, *_ = await asyncio.gather(*(asked(store, tenant) for _ in range(16)))  # and the pool is warm
    request = next_question(begun.conversation_id, tenant)
    async with locked(migrated_database_url, "SELECT FROM conversations WHERE tenant = %s FOR UPDATE", tenant):
        accepting = [asyncio.create_task(accept(store, request)) for _ in range(4)]
        await waiting_for_a_lock(migrated_database_url, 4)
    accepted = await asyncio.gather(*accepting)

    assert sorted(one.created for one in accepted) == [False, False, False, True]
    assert {one.turn.turn_id for one in accepted} == {request.turn_id}
    assert (await store.records.conversation(tenant, begun.conversation_id, user_id=None)).turns == 2


async def test_accepts_of_one_turn_that_begin_the_same_conversation_create_it_once(
    opening: Opening, migrated_database_url: str, tenant: str
) -> None:
    store = await opening(migrated_database_url, 4)
    await asyncio.gather(*(asked(store, tenant) for _ in range(16)))  # user and tenant exist, the pool is warm
    request = question(tenant)
    same = f"INSERT INTO conversations VALUES (%s, '{conversation_of(request)}', 'alice', 1)"  # noqa: S608
    async with locked(migrated_database_url, same, tenant):
        accepting = [asyncio.create_task(accept(store, request)) for _ in range(4)]
        await waiting_for_a_lock(migrated_database_url, 4)
    accepted = await asyncio.gather(*accepting)

    assert sorted(one.created for one in accepted) == [False, False, False, True]
    assert (await store.records.conversation(tenant, conversation_of(request), user_id=None)).turns == 1


@pytest.mark.parametrize("text", ["NUL \x00 inside", "half a surrogate \ud800"], ids=["nul", "surrogate"])
async def test_text_that_cannot_be_stored_is_the_callers_mistake(store: PostgresStore, tenant: str, text: str) -> None:
    with pytest.raises(InvalidRequest):
        await store.turnbook.accept(question(tenant, question=text), lease_owner="me", history_limit=0)
    with pytest.raises(InvalidRequest):
        await store.turnbook.accept(question(tenant, context={"note": text}), lease_owner="me", history_limit=0)

    assert (await store.records.conversations(tenant, user_id=None, after=None, limit=9)).items == ()


async def test_the_probe_tells_a_server_that_refuses_us_from_one_that_is_away(
    opening: Opening, own_postgres: Postgres
) -> None:
    store = await opening(own_postgres.url(), 4)
    await store.probe()
    another = psycopg.conninfo.make_conninfo(own_postgres.url(), password="changed")
    with pytest.raises(StoreUnavailable, match="refuses the connection: user, password"):
        await (await opening(another, 1)).probe()

    own_postgres.stop()
    with pytest.raises(StoreUnavailable, match="No server answers at the address"):
        await store.probe()


@pytest.fixture
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server that a test may stop."""
    folder = tmp_path_factory.mktemp("own-postgres")
    server = Postgres(
        PostgresSpec(
            folder=folder / "postgres",
            log_file=folder / "postgres.log",
            superuser_password=secrets.token_urlsafe(16),
            role_password=secrets.token_urlsafe(16),
            settings={"fsync": "off"},
        )
    )
    server.prepare()
    server.start()
    server.wait_ready()
    server.provision()
    upgrade(server.url())
    yield server
    server.stop()


async def test_without_a_database_every_call_says_so_and_a_restart_is_noticed(
    opening: Opening, own_postgres: Postgres, tenant: str
) -> None:
    store = await opening(own_postgres.url(), 4)
    turn = await asked(store, tenant)
    _, plain = await store.keys.create(tenant, "k", kind=KeyKind.SECRET, scopes=frozenset(Scope), origins=())
    own_postgres.stop()

    async with asyncio.timeout(PATIENCE_S):
        outcomes = await asyncio.gather(*every_call(store, turn, plain), return_exceptions=True)
    assert [outcome for outcome in outcomes if not isinstance(outcome, StoreUnavailable)] == []

    own_postgres.start()
    own_postgres.wait_ready()
    assert await eventually(lambda: store.turnbook.finish(turn, Ending(ANSWER))) == ANSWER


def every_call(store: PostgresStore, turn: Turn, plain: str) -> list[Awaitable[object]]:
    tenant, book, records, sessions = turn.tenant, store.turnbook, store.records, store.sessions
    return [
        book.accept(question(tenant), lease_owner="me", history_limit=0),
        book.finish(turn, Ending(ANSWER, (WISH,))),
        book.fail(turn, "x"),
        book.cancel(tenant, turn.turn_id),
        book.renew(tenant, [turn.turn_id], "me"),
        book.claim_abandoned("me", limit=1),
        book.turn(tenant, turn.turn_id),
        records.conversations(tenant, user_id=None, after=None, limit=1),
        records.conversation(tenant, turn.conversation_id, user_id=None),
        records.turns(tenant, turn.conversation_id, user_id=None, limit=1),
        records.tickets(tenant, user_id=None, after=None, limit=1),
        records.ticket(tenant, uuid4(), user_id=None),
        records.close_ticket(tenant, uuid4()),
        store.feedback.save(Feedback(tenant, turn.turn_id, "alice", Rating.UP), any_user=True),
        store.feedback.listing(tenant, wanted=FeedbackFilter(), after=None, limit=1),
        store.feedback.documents(tenant, since=datetime.now(UTC), limit=1),
        store.keys.create(tenant, "k", kind=KeyKind.SECRET, scopes=frozenset(), origins=()),
        store.keys.lookup(plain),
        store.keys.listing(tenant),
        store.keys.revoke(tenant, "x"),
        store.audit.record([AuditEntry(tenant, "a", "b", "c", {})]),
        store.audit.listing(tenant, limit=1),
        sessions.create_link(tenant, "alice", ttl_s=1),
        sessions.redeem("token"),
        sessions.lookup("secret"),
        store.probe(),
    ]


ResultT = TypeVar("ResultT")


async def eventually(call: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """The first result that is not StoreUnavailable, within the patience, which also ends a call that hangs."""

    async def answered() -> tuple[ResultT] | None:
        try:
            return (await call(),)
        except StoreUnavailable:
            return None

    async with asyncio.timeout(PATIENCE_S):
        (result,) = await eventually_async(answered, "the store answers")
    return result


async def accept(store: Store, request: TurnRequest) -> Accepted:
    return await store.turnbook.accept(request, lease_owner="me", history_limit=0)


async def waiting_for_a_lock(url: str, sessions: int) -> None:
    """Returns when so many sessions of the database wait for a lock; no process stops for it."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:

        async def are_waiting() -> bool:
            return (await (await connection.execute(waiting)).fetchone()) == (sessions,)

        await eventually_async(are_waiting, f"{sessions} sessions wait for a lock", deadline_s=PATIENCE_S)


@asynccontextmanager
async def locked(url: str, statement: str, tenant: str) -> AsyncIterator[None]:
    connection = await psycopg.AsyncConnection.connect(url)
    async with connection:
        await connection.execute(statement.encode(), (tenant,))
        yield
        await connection.rollback()
