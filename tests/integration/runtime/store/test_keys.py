"""What API keys, sessions and the audit log promise, on every implementation."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql

from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.errors import Conflict, InvalidRequest, NotFound
from supportplane_runtime.store import credentials
from supportplane_runtime.store.credentials import mint_key
from supportplane_runtime.store.interfaces.audit import AuditEntry
from supportplane_runtime.store.interfaces.keys import ApiKey, KeyKind
from supportplane_runtime.store.interfaces.sessions import SESSION_TTL, Session
from supportplane_runtime.store.interfaces.store import Store
from supportplane_runtime.store.postgres.keys import PostgresKeys
from supportplane_runtime.store.postgres.store import PostgresStore

from .conftest import Subject

SCOPES = frozenset({Scope.INVOKE, Scope.READ})


async def new_key(store: Store, tenant: str) -> tuple[ApiKey, str]:
    return await store.keys.create(tenant, "server", kind=KeyKind.SECRET, scopes=SCOPES, origins=())


async def test_a_key_is_found_by_its_plain_text_and_marked_as_used(store: Store, tenant: str) -> None:
    key, plain = await new_key(store, tenant)

    found = await store.keys.lookup(plain)

    assert plain.startswith(f"sk_{key.key_id}_")
    assert (key.tenant, key.name, key.kind, key.scopes) == (tenant, "server", KeyKind.SECRET, SCOPES)
    assert (key.last_used_at, key.revoked_at) == (None, None)
    assert found is not None
    assert found.last_used_at is not None
    assert (found.key_id, found.tenant, found.scopes) == (key.key_id, tenant, SCOPES)


async def test_a_publishable_key_carries_its_origins(store: Store, tenant: str) -> None:
    origins = ("https://shop.example", "https://www.shop.example")

    _, plain = await store.keys.create(
        tenant, "shop", kind=KeyKind.PUBLISHABLE, scopes=frozenset({Scope.INVOKE}), origins=origins
    )

    found = await store.keys.lookup(plain)
    assert plain.startswith("pk_")
    assert found is not None
    assert found.origins == origins


async def test_a_revoked_key_is_refused_and_still_listed(store: Store, tenant: str) -> None:
    key, plain = await new_key(store, tenant)
    other, other_plain = await new_key(store, tenant)
    assert await store.keys.lookup(plain) is not None

    revoked = await store.keys.revoke(tenant, key.key_id)

    assert revoked.revoked_at is not None
    assert await store.keys.lookup(plain) is None
    assert await store.keys.lookup(other_plain) is not None
    assert [one.key_id for one in await store.keys.listing(tenant)] == [key.key_id, other.key_id]
    assert (await store.keys.revoke(tenant, key.key_id)).revoked_at == revoked.revoked_at


async def test_a_later_key_of_the_same_name_and_maker_has_replaced_the_earlier_one(store: Store, tenant: str) -> None:
    first, _ = await new_key(store, tenant)
    second, _ = await new_key(store, tenant)
    named, _ = await store.keys.create(tenant, "other", kind=KeyKind.SECRET, scopes=SCOPES, origins=())
    public, _ = await store.keys.create(tenant, "server", kind=KeyKind.PUBLISHABLE, scopes=SCOPES, origins=("o",))
    filed = await store.keys.adopt(tenant, "server", mint_key(KeyKind.SECRET), scopes=SCOPES, agent="helpdesk")
    refiled = await store.keys.adopt(tenant, "server", mint_key(KeyKind.SECRET), scopes=SCOPES, agent="helpdesk")

    async def replaced(newer: ApiKey, older: ApiKey) -> bool:
        return await store.keys.has_replaced(tenant, newer.key_id, older.key_id)

    assert await replaced(second, first)
    assert await replaced(refiled, filed)
    assert not await replaced(first, second)
    assert not await replaced(first, first)
    assert not any([await replaced(later, first) for later in (named, public, filed)])
    assert not await store.keys.has_replaced("elsewhere", second.key_id, first.key_id)
    assert not await store.keys.has_replaced(tenant, second.key_id, "session:u")


async def test_revoking_an_unknown_key_is_not_found(store: Store, tenant: str) -> None:
    with pytest.raises(NotFound):
        await store.keys.revoke(tenant, "nobody")


async def test_a_known_id_with_another_secret_is_refused(store: Store, tenant: str) -> None:
    key, _ = await new_key(store, tenant)
    _, stranger = await new_key(store, tenant)

    head = stranger[: -credentials.CHECKSUM_LENGTH].replace(credentials.key_id_of(stranger), key.key_id)
    forged = head + credentials._checksum(head)
    assert credentials.parse_key(forged) is not None

    assert await store.keys.lookup(forged) is None
    assert await store.keys.lookup("not even a key") is None


@pytest.mark.slow
async def test_no_secret_is_stored(postgres_store: PostgresStore, migrated_database_url: str, tenant: str) -> None:
    _, plain = await new_key(postgres_store, tenant)
    token = await postgres_store.sessions.create_link(tenant, "alice", ttl_s=60)
    redeemed = await postgres_store.sessions.redeem(token)
    assert redeemed is not None

    with psycopg.connect(migrated_database_url) as connection:
        stored = repr(
            [
                connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall()
                for table in ("api_keys", "sessions", "one_time_links")
            ]
        )
    assert plain.split("_")[1] in stored
    assert not [secret for secret in (plain.split("_")[2], token, redeemed.secret) if secret in stored]


@pytest.mark.slow
async def test_looking_a_key_up_again_does_not_write(postgres_store: PostgresStore, tenant: str) -> None:
    _, plain = await new_key(postgres_store, tenant)
    keys = PostgresKeys(postgres_store.database)

    first, second = [await keys.lookup(plain) for _ in range(2)]

    assert first is not None
    assert second is not None
    assert first.last_used_at == second.last_used_at


async def test_a_one_time_link_is_redeemed_once(store: Store, tenant: str) -> None:
    token = await store.sessions.create_link(tenant, "alice", ttl_s=60)

    attempts = await asyncio.gather(*(store.sessions.redeem(token) for _ in range(10)))

    (redeemed,) = [one for one in attempts if one is not None]
    assert redeemed.user_id == "alice"
    assert await store.sessions.lookup(redeemed.secret) == Session(tenant, "alice")


async def test_what_was_never_handed_out_is_neither_link_nor_session(store: Store, tenant: str) -> None:
    token = await store.sessions.create_link(tenant, "alice", ttl_s=60)

    assert await store.sessions.redeem("made-up") is None
    assert await store.sessions.lookup("made-up") is None
    assert await store.sessions.lookup(token) is None


async def test_links_and_sessions_end_with_their_time(subject: Subject, tenant: str) -> None:
    sessions = subject.store.sessions
    late = await sessions.create_link(tenant, "alice", ttl_s=60)
    used = await sessions.redeem(await sessions.create_link(tenant, "bob", ttl_s=60))
    assert used is not None

    subject.age(timedelta(seconds=61))
    assert await sessions.redeem(late) is None
    assert await sessions.lookup(used.secret) == Session(tenant, "bob")

    subject.age(SESSION_TTL)
    assert await sessions.lookup(used.secret) is None


@pytest.mark.slow
async def test_expired_links_and_sessions_are_deleted_as_new_ones_come(
    postgres_store: PostgresStore, migrated_database_url: str, tenant: str
) -> None:
    sessions = postgres_store.sessions
    await sessions.redeem(await sessions.create_link(tenant, "alice", ttl_s=60))
    await sessions.create_link(tenant, "alice", ttl_s=60)
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        for table in ("sessions", "one_time_links"):
            statement = sql.SQL("UPDATE {} SET expires_at = now() WHERE tenant = %s")
            connection.execute(statement.format(sql.Identifier(table)), (tenant,))
        await sessions.redeem(await sessions.create_link(tenant, "alice", ttl_s=60))
        counts = [
            connection.execute(
                sql.SQL("SELECT count(*) FROM {} WHERE tenant = %s").format(sql.Identifier(table)), (tenant,)
            ).fetchone()
            for table in ("sessions", "one_time_links")
        ]
    assert counts == [(1,), (0,)]


async def test_audit_entries_are_listed_newest_first(store: Store, tenant: str) -> None:
    entries = [
        AuditEntry(tenant, "key-1", "key.create", "ok", {"number": number, "name": "Grüße"}) for number in range(3)
    ]

    await store.audit.record(entries[:2])
    await store.audit.record(entries[2:])
    await store.audit.record([])

    assert await store.audit.listing(tenant, limit=2) == [entries[2], entries[1]]


async def test_entries_of_an_agent_expire_by_its_policy_and_those_of_other_agents_stay(
    subject: Subject, tenant: str, other_tenant: str
) -> None:
    audit = subject.store.audit
    entry = AuditEntry(tenant, "key-1", "GET /x", "200", {}, agent="shop")
    others = [replace(entry, agent="bank"), replace(entry, tenant=other_tenant, agent="shop")]
    await audit.record([entry, *others, replace(entry, agent=None)])
    subject.age(timedelta(days=8))
    fresh = replace(entry, action="GET /y")
    await audit.record([fresh])

    await audit.expire(tenant, "shop", older_than=timedelta(days=9), limit=1000)
    assert len(await audit.listing(tenant, limit=9)) == 4
    assert await audit.expire(tenant, "shop", older_than=timedelta(days=7), limit=1) == 1
    await audit.expire(tenant, "shop", older_than=timedelta(days=7), limit=1000)

    assert await audit.listing(tenant, limit=9) == [fresh, others[0]]
    assert await audit.listing(other_tenant, limit=9) == [others[1]]
    assert await audit.size_bytes() > 0


async def test_a_key_made_elsewhere_is_adopted_revoked_and_adopted_again(store: Store, tenant: str) -> None:
    plain = mint_key(KeyKind.SECRET)
    for name in ("shop", "shop-2"):
        adopted = await store.keys.adopt(tenant, name, plain, scopes=frozenset({Scope.INVOKE}), agent="a")
        found = await store.keys.lookup(plain)
        assert found is not None
        assert (found.key_id, found.name, found.agent, found.scopes) == (
            adopted.key_id,
            name,
            "a",
            frozenset({Scope.INVOKE}),
        )
        await store.keys.revoke(tenant, adopted.key_id)
        assert await store.keys.lookup(plain) is None


@pytest.mark.parametrize("plain", ["", "sk_nonsense", mint_key(KeyKind.PUBLISHABLE), mint_key(KeyKind.SECRET)[:-1]])
async def test_what_is_no_secret_key_is_not_adopted(store: Store, tenant: str, plain: str) -> None:
    with pytest.raises(InvalidRequest) as info:
        await store.keys.adopt(tenant, "shop", plain, scopes=frozenset({Scope.INVOKE}), agent="a")
    assert not plain or plain not in info.value.detail


async def test_a_key_of_somebody_else_is_not_adopted(store: Store, tenant: str, other_tenant: str) -> None:
    key, plain = await store.keys.create(tenant, "made here", kind=KeyKind.SECRET, scopes=frozenset(Scope), origins=())
    await store.keys.revoke(tenant, key.key_id)
    for owner in (tenant, other_tenant):
        with pytest.raises(Conflict):
            await store.keys.adopt(owner, "file", plain, scopes=frozenset({Scope.INVOKE}), agent="a")
    assert await store.keys.lookup(plain) is None


async def signed_in(store: Store, tenant: str, user: str) -> str:
    redeemed = await store.sessions.redeem(await store.sessions.create_link(tenant, user, ttl_s=60))
    assert redeemed is not None
    return redeemed.secret


async def test_a_session_is_ended_by_its_secret_once(store: Store, tenant: str) -> None:
    secret = await signed_in(store, tenant, "alice")
    other = await signed_in(store, tenant, "alice")

    assert await store.sessions.end(secret) == Session(tenant, "alice")
    assert await store.sessions.end(secret) is None
    assert await store.sessions.lookup(secret) is None
    assert await store.sessions.lookup(other) == Session(tenant, "alice")


async def test_sessions_are_listed_without_their_secrets_and_ended_by_id_in_their_own_tenant_only(
    store: Store, tenant: str
) -> None:
    secrets = {user: await signed_in(store, tenant, user) for user in ("alice", "bob")}
    await signed_in(store, f"{tenant}-other", "carol")

    listed = await store.sessions.listing(tenant)

    assert [each.user_id for each in listed] == ["alice", "bob"]
    assert all(each.expires_at - each.started_at == SESSION_TTL for each in listed)
    assert not any(secret in str(listed) for secret in secrets.values())
    with pytest.raises(NotFound):
        await store.sessions.end_one(f"{tenant}-other", listed[0].session_id)
    await store.sessions.end_one(tenant, listed[0].session_id)
    assert await store.sessions.lookup(secrets["alice"]) is None
    assert await store.sessions.lookup(secrets["bob"]) is not None
    with pytest.raises(NotFound):
        await store.sessions.end_one(tenant, listed[0].session_id)


async def test_ending_all_sessions_ends_the_links_that_would_become_one(store: Store, tenant: str) -> None:
    secrets = [await signed_in(store, tenant, user) for user in ("alice", "bob")]
    elsewhere = await signed_in(store, f"{tenant}-other", "carol")
    unused = await store.sessions.create_link(tenant, "alice", ttl_s=60)

    assert await store.sessions.end_all(tenant) == 2
    assert [await store.sessions.lookup(secret) for secret in secrets] == [None, None]
    assert await store.sessions.redeem(unused) is None
    assert await store.sessions.lookup(elsewhere) is not None
    assert await store.sessions.end_all(tenant) == 0
