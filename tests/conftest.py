"""Session fixtures with the real parts: PostgreSQL with pgvector, Redis, the model server.

Each starts when first asked for, as a supervised child of pytest (supportplane_cli.embedded), so none outlives it,
however it ends. A test module gets a database of its own, copied from a migrated template, and an empty Redis.
"""

import os
import secrets
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis as redis_client
from hypothesis import HealthCheck, settings
from psycopg import sql

from supportplane_cli.embedded.model_server import ModelServer, ModelSpec
from supportplane_cli.embedded.ports import free_port as find_free_port
from supportplane_cli.embedded.postgres import Postgres, PostgresSpec
from supportplane_cli.embedded.redis import Redis, RedisSpec

# Suites that two test modules share say what differs, as test modules do.
pytest.register_assert_rewrite("support")

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

MIGRATED_TEMPLATE = "migrated_template"
# Losing a test's database with the machine's power is fine; waiting for its disk is not.
FAST_AND_LOOSE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


def pytest_configure() -> None:
    """What tests start feels signals, also where a shell's background job ignores Ctrl-C, or nohup a lost terminal.

    A signal that is ignored stays ignored in children; one with a handler has its default there.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture(scope="session")
def parts_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts")


@pytest.fixture(scope="session")
def postgres_server(parts_folder: Path) -> Iterator[Postgres]:
    server = Postgres(
        PostgresSpec(
            folder=parts_folder / "postgres",
            log_file=parts_folder / "postgres.log",
            superuser_password=secrets.token_urlsafe(16),
            role_password=secrets.token_urlsafe(16),
            settings=FAST_AND_LOOSE,
        )
    )
    try:
        server.prepare()
        server.start()
        server.wait_ready()
        server.provision()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def migrated_template(postgres_server: Postgres) -> str:
    """The name of a database at the newest migration, made once a session and copied by a file copy."""
    from supportplane_runtime.store.migrate import upgrade  # only tests of the store need it

    postgres_server.create_database(MIGRATED_TEMPLATE)
    upgrade(postgres_server.url(MIGRATED_TEMPLATE))
    return MIGRATED_TEMPLATE


@pytest.fixture(scope="session")
def make_database(postgres_server: Postgres) -> Callable[[str], str]:
    """Makes a new database from a template and returns its URL; the runtime's role owns it, pgvector is in it."""

    def make(template: str = "template1") -> str:
        name = f"test_{secrets.token_hex(6)}"
        postgres_server.create_database(name, template=template)
        return postgres_server.url(name)

    return make


def drop_database(server: Postgres, url: str) -> None:
    name = sql.Identifier(url.rpartition("/")[2])
    with psycopg.connect(server.url("postgres", superuser=True), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="module")
def database_url(postgres_server: Postgres, make_database: Callable[[str], str]) -> Iterator[str]:
    """A new, empty database with pgvector, one a test module."""
    url = make_database("template1")
    yield url
    drop_database(postgres_server, url)


@pytest.fixture(scope="module")
def migrated_database_url(
    postgres_server: Postgres, make_database: Callable[[str], str], migrated_template: str
) -> Iterator[str]:
    """A new database at the newest migration, one a test module."""
    url = make_database(migrated_template)
    yield url
    drop_database(postgres_server, url)


@pytest.fixture(scope="session")
def redis_server(parts_folder: Path) -> Iterator[Redis]:
    server = Redis(
        RedisSpec(
            folder=parts_folder / "redis", log_file=parts_folder / "redis.log", password=secrets.token_urlsafe(16)
        )
    )
    try:
        server.start()
        server.wait_ready()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def redis_url(redis_server: Redis) -> str:
    """The session's Redis, emptied for each test module."""
    with redis_client.Redis.from_url(redis_server.url()) as connection:
        connection.flushall()
    return redis_server.url()


@pytest.fixture(scope="session")
def model_server(parts_folder: Path) -> Iterator[ModelServer]:
    server = ModelServer(ModelSpec(log_file=parts_folder / "model.log", api_key=secrets.token_urlsafe(16)))
    try:
        server.start()
        server.wait_ready()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def model_server_url(model_server: ModelServer) -> str:
    """Base URL of llama.cpp's OpenAI-compatible server (ends in /v1) on the embedded model."""
    return model_server.url


@pytest.fixture(scope="session")
def model_server_key(model_server: ModelServer) -> str:
    return model_server.spec.api_key


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the evaluation sets and recorded contracts, named by SUPPORTPLANE_SHARED."""
    value = os.environ.get("SUPPORTPLANE_SHARED")
    if not value:
        pytest.skip("SUPPORTPLANE_SHARED names no folder: the evaluation sets and recorded contracts are not here")
    return Path(value)


@pytest.fixture
def free_port() -> int:
    return find_free_port()
