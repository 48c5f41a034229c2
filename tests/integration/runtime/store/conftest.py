"""The stores that must behave alike, each as a Subject: memory, and PostgreSQL with what only a test may do to it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from support.runtime.store_samples import new_tenant
from supportplane_cli.embedded.redis import Redis, RedisSpec
from supportplane_runtime.store.interfaces.store import Store
from supportplane_runtime.store.memory.store import MemoryStore
from supportplane_runtime.store.postgres.store import PostgresStore, open_store

POOL_SIZE = 8


@dataclass(frozen=True, slots=True)
class Subject:
    """A store, and a way to let time pass: everything stored is then as old as said."""

    store: Store
    age: Callable[[timedelta], None]


class MovableClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)  # no two moments are the same, as in the database
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


def age_rows(url: str, by: timedelta) -> None:
    """Moves what the store compares with the time into the past."""
    columns = {
        "turns": "lease_until",
        "sessions": "expires_at",
        "one_time_links": "expires_at",
        "tickets": "created_at",
        "audit": "created_at",
    }
    with psycopg.connect(url, autocommit=True) as connection:
        for table, column in columns.items():
            move = sql.SQL("UPDATE {} SET {} = {} - %s")
            names = [sql.Identifier(name) for name in (table, column, column)]
            connection.execute(move.format(*names), (by,))


@pytest.fixture
def tenant() -> str:
    return new_tenant()


@pytest.fixture
def other_tenant() -> str:
    return new_tenant()


Opening = Callable[[str, int], Awaitable[PostgresStore]]


@pytest.fixture
async def opening() -> AsyncIterator[Opening]:
    """Opens stores that are closed after the test, however it ends: an open pool keeps the session from ending."""
    async with AsyncExitStack() as stack:

        async def open_one(url: str, pool_size: int) -> PostgresStore:
            store = await open_store(url, pool_size=pool_size)
            stack.push_async_callback(store.close)
            return store

        yield open_one


@pytest.fixture
async def postgres_store(opening: Opening, migrated_database_url: str) -> PostgresStore:
    return await opening(migrated_database_url, POOL_SIZE)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.slow)])
async def subject(request: pytest.FixtureRequest, opening: Opening) -> Subject:
    if request.param == "memory":
        clock = MovableClock()
        return Subject(MemoryStore(clock=clock), clock.advance)
    url: str = request.getfixturevalue("migrated_database_url")
    store = await opening(url, POOL_SIZE)
    return Subject(store, lambda by: age_rows(url, by))


@pytest.fixture
def store(subject: Subject) -> Store:
    return subject.store


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis that a test may kill."""
    server = Redis(RedisSpec(folder=tmp_path / "redis", log_file=tmp_path / "redis.log", password="pw"))
    server.start()
    server.wait_ready()
    yield server
    server.stop()
