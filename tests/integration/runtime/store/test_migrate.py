"""Migrations on real databases: from nothing, repeated, raced, of a newer release, compared with store/tables."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from supportplane_runtime.errors import SchemaMismatch, StoreUnavailable
from supportplane_runtime.store import migrate
from supportplane_runtime.store.tables import metadata

pytestmark = pytest.mark.slow

STARTERS = 6


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in rows}


def test_an_empty_database_gets_every_table_and_a_repeat_changes_nothing(make_database: Callable[[], str]) -> None:
    url = make_database()
    assert migrate.current(url) is None

    assert migrate.upgrade(url) == migrate.head()
    first = tables(url)

    assert migrate.current(url) == migrate.head()
    assert set(metadata.tables) <= first
    assert {"checkpoints", "checkpoint_writes", "checkpoint_blobs"} <= first
    assert migrate.upgrade(url) == migrate.head()
    assert tables(url) == first


def test_many_that_start_at_once_migrate_once(make_database: Callable[[], str]) -> None:
    url = make_database()
    together = threading.Barrier(STARTERS)

    def start() -> str:
        together.wait(timeout=30)
        return migrate.upgrade(url)

    with ThreadPoolExecutor(STARTERS) as pool:
        versions = [future.result(timeout=120) for future in [pool.submit(start) for _ in range(STARTERS)]]

    assert versions == [migrate.head()] * STARTERS
    assert set(metadata.tables) <= tables(url)


def test_a_database_of_a_newer_release_is_refused_and_left_alone(make_database: Callable[[], str]) -> None:
    url = make_database()
    migrate.upgrade(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE schema_version SET version_num = '9999'")

    with pytest.raises(SchemaMismatch, match="9999, newer than this release"):
        migrate.upgrade(url)

    assert migrate.current(url) == "9999"


def test_a_database_that_is_not_there_is_unavailable(free_port: int) -> None:
    with pytest.raises(StoreUnavailable):
        migrate.upgrade(f"postgresql://nobody@127.0.0.1:{free_port}/nothing")


def test_the_tables_are_what_the_migrations_make(migrated_database_url: str) -> None:
    """Tables that are not in store/tables (checkpoints, chunks) are not ours to compare."""
    engine = create_engine(migrated_database_url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_server_default": True,
                "include_name": lambda name, kind, _: kind != "table" or name in metadata.tables,
            },
        )
        assert compare_metadata(context, metadata) == []


def test_every_table_of_the_store_begins_its_keys_with_the_tenant() -> None:
    for table in metadata.tables.values():
        assert next(iter(table.primary_key.columns)).name == "tenant", table.name
        for constraint in table.foreign_key_constraints:
            assert constraint.column_keys[0] == "tenant", constraint.name
