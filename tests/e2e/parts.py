"""What an agent on the node needs from outside the cluster, on the node's address: PostgreSQL, Redis, a model server.

They are the embedded parts of the laptop, reached by pods as servers of somebody else are.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from e2e.node import HOST
from supportplane_cli.embedded.model_server import ModelServer, ModelSpec
from supportplane_cli.embedded.postgres import ROLE, Postgres, PostgresSpec
from supportplane_cli.embedded.process import Part
from supportplane_cli.embedded.redis import Redis, RedisSpec

FAST_AND_LOOSE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Outside:
    postgres: Postgres
    redis: Redis
    model: ModelServer

    def database_url(self, database: str, *, password: str) -> str:
        return _reachable(Postgres.url(self.postgres, database).replace(self.postgres.spec.role_password, password))

    @property
    def cache_url(self) -> str:
        return _reachable(self.redis.url())

    @property
    def model_url(self) -> str:
        return _reachable(self.model.url)

    def change_database_password(self, password: str) -> None:
        """Also ends every session of the role, as a failover or a restart would."""
        role, value = sql.Identifier(ROLE), sql.Literal(password)
        with psycopg.connect(self.postgres.url("postgres", superuser=True), autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, value))
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (ROLE,))

    def stop(self) -> None:
        for part in (self.model, self.redis, self.postgres):
            part.stop()


def start_outside(folder: Path) -> Outside:
    outside = Outside(
        Postgres(
            PostgresSpec(
                folder=folder / "postgres",
                log_file=folder / "postgres.log",
                superuser_password=secrets.token_urlsafe(16),
                role_password=secrets.token_urlsafe(16),
                listen=HOST,
                settings=FAST_AND_LOOSE,
            )
        ),
        Redis(RedisSpec(folder / "redis", folder / "redis.log", secrets.token_urlsafe(16), listen=HOST)),
        ModelServer(ModelSpec(folder / "model.log", secrets.token_urlsafe(16), listen=HOST)),
    )
    outside.postgres.prepare()
    parts: tuple[Part, ...] = (outside.postgres, outside.redis, outside.model)
    for part in parts:
        part.start()
    for part in parts:
        part.wait_ready()
    outside.postgres.provision()
    return outside


def _reachable(url: str) -> str:
    """The same address as pods see it."""
    return url.replace("127.0.0.1", HOST)
