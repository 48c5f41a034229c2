"""Brings a database to the schema of this code: our tables by alembic, LangGraph's checkpoints by their own setup.

Run by `up` and by the role `migrate` of app/, before anything serves. Many may start at once: one migrates, the
others wait for it. A database that a newer release has migrated is refused, never touched.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from langgraph.checkpoint.postgres import PostgresSaver
from psycopg.rows import dict_row
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from supportplane_runtime.errors import SchemaMismatch, StoreUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "schema_version"
LOCK = 0x5350_4C41_4E45  # "SPLANE": any number that nobody else takes an advisory lock on
LOCK_POLL_S = 0.1
LOCK_DEADLINE_S = 120.0  # a guess: the first migration takes under a second, index builds on real data minutes
CONNECT_TIMEOUT_S = 5


def upgrade(url: str) -> str:
    """Migrate to the newest schema, waiting for whoever does it already; returns the version. Repeats harmlessly.

    Raises SchemaMismatch for a database newer than this code, StoreUnavailable when it does not answer.
    """
    with _wrapped(), _migration_lock(url):
        with _connection(url) as connection:
            _refuse_newer(_version(connection))
            connection.rollback()  # reading the version began a transaction; alembic wants its own
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        _set_up_checkpoints(url)
    return head()


def current(url: str) -> str | None:
    """The version a database is at; None for one that was never migrated."""
    with _wrapped(), _connection(url) as connection:
        return _version(connection)


def head() -> str:
    """The version this code wants."""
    (version,) = ScriptDirectory.from_config(_config()).get_heads()
    return version


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _refuse_newer(version: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if version is not None and version not in known:
        raise SchemaMismatch(
            f"The database is at schema {version}, newer than this release knows ({head()}): "
            "start it with the release that migrated it, or restore a backup made before."
        )


def _set_up_checkpoints(url: str) -> None:
    """LangGraph's tables. Autocommit, because its setup builds indexes concurrently."""
    with psycopg.connect(
        url, autocommit=True, prepare_threshold=0, row_factory=dict_row, connect_timeout=CONNECT_TIMEOUT_S
    ) as connection:
        PostgresSaver(connection).setup()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    """A connection of its own, closed at the end (a template database must have none open)."""
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
    )
    with engine.connect() as connection:
        yield connection


@contextmanager
def _migration_lock(url: str) -> Iterator[None]:
    """Holds the advisory lock of the database; it ends with the connection, however the process ends.

    Polled, not waited for: a session inside pg_advisory_lock() holds a snapshot that LangGraph's CREATE INDEX
    CONCURRENTLY would wait for, while that session waits for us.
    """
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        deadline = time.monotonic() + LOCK_DEADLINE_S
        while not _try_lock(connection):
            if time.monotonic() > deadline:
                raise StoreUnavailable("Another process has been migrating the database for too long; look at its log.")
            time.sleep(LOCK_POLL_S)
        yield


def _try_lock(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
    return bool(row and row[0])


@contextmanager
def _wrapped() -> Iterator[None]:
    try:
        yield
    except (psycopg.OperationalError, OperationalError) as exc:
        raise StoreUnavailable("The database does not answer or refuses us; see the log of the migration.") from exc
