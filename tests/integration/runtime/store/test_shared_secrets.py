"""Secrets that processes share: whoever asks first makes one, and everyone has the same."""

import asyncio

import pytest

from supportplane_runtime.store.interfaces.store import Store
from supportplane_runtime.store.migrate import head
from supportplane_runtime.store.migrations import NEWEST
from supportplane_runtime.store.postgres.store import PostgresStore


async def test_everyone_who_asks_at_once_gets_the_same(store: Store, tenant: str) -> None:
    found = await asyncio.gather(*(store.shared_secrets.secret(tenant, "visitors") for _ in range(20)))
    assert len(set(found)) == 1
    assert len(found[0]) >= 32


async def test_names_and_tenants_have_secrets_of_their_own(store: Store, tenant: str, other_tenant: str) -> None:
    places = [(tenant, "visitors"), (tenant, "turns"), (other_tenant, "visitors")]
    assert len({await store.shared_secrets.secret(*place) for place in places}) == 3


async def test_an_offered_value_is_taken_once_and_then_stands(store: Store, tenant: str) -> None:
    assert await store.shared_secrets.secret(tenant, "visitors", offer="of before") == "of before"
    assert await store.shared_secrets.secret(tenant, "visitors", offer="another") == "of before"
    assert await store.shared_secrets.secret(tenant, "visitors") == "of before"


@pytest.mark.slow
async def test_the_store_says_which_schema_it_is_at(postgres_store: PostgresStore) -> None:
    assert await postgres_store.schema() == NEWEST == head()
