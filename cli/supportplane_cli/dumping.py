"""Moves a database into a file and back with PostgreSQL's own pg_dump and pg_restore from the wheel.

Works on the running agent's database, or on the embedded one started for the moment. A restore is made beside the
database that is there and takes its place in one transaction, so a failed one changes nothing.
"""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from supportplane_cli.embedded.postgres import DATABASE, Postgres, binary
from supportplane_cli.errors import CommandFailed, NothingRunning
from supportplane_cli.lock import DataLock, holder_pid
from supportplane_cli.paths import DataDir
from supportplane_cli.state import running_state
from supportplane_cli.supervisor.parts import build_postgres
from supportplane_cli.supervisor.startup import start_past_orphans

# pgvector is made by the superuser beforehand; the runtime's role may not, and needs not.
DUMP = ("--format=custom", "--no-owner", "--no-privileges", "--exclude-extension=vector")
RESTORE = ("--no-owner", "--no-privileges", "--exit-on-error")


@contextmanager
def database_of(data: DataDir) -> Iterator[str]:
    """The URL of the agent's database, whether an agent runs or not."""
    if holder_pid(data) is not None:
        yield running_state(data).database_url
    elif (data.postgres / "data").exists():
        with DataLock(data, purpose="backup"), embedded_database(data) as postgres:
            yield postgres.url()
    else:
        raise NothingRunning(f"There is no agent on the data directory {data.root}, so there is nothing to back up.")


@contextmanager
def embedded_database(data: DataDir) -> Iterator[Postgres]:
    """The embedded database alone, for as long as the block lasts. Call it with the lock held."""
    postgres = build_postgres(data)
    try:
        postgres.prepare()
        start_past_orphans(postgres)
        postgres.provision()
        yield postgres
    finally:
        postgres.stop()


def dump(url: str, target: Path) -> None:
    """A consistent copy of the whole database, as of the moment it begins."""
    target.touch(mode=0o600)
    run_client("pg_dump", url, *DUMP, f"--file={target}")


def replace_database(postgres: Postgres, source: Path) -> None:
    """Restore a dump, bring it to this release's schema, then let it take the database's place."""
    from supportplane_runtime.errors import RuntimeFault
    from supportplane_runtime.store.migrate import upgrade

    draft = f"restore_{secrets.token_hex(6)}"
    postgres.create_database(draft)
    try:
        run_client("pg_restore", postgres.url(draft), *RESTORE, f"--dbname={draft}", str(source))
        upgrade(postgres.url(draft))
        swap(postgres, draft)
    except RuntimeFault as fault:
        raise CommandFailed(fault.detail) from fault
    finally:
        drop(postgres, draft)


def swap(postgres: Postgres, draft: str) -> None:
    """Both renames in one transaction; the old database is dropped by its draft's name."""
    import psycopg
    from psycopg import sql

    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    current, new, aside = (sql.Identifier(name) for name in (DATABASE, draft, f"{draft}_old"))
    with psycopg.connect(postgres.url("postgres", superuser=True)) as connection:
        connection.execute(rename.format(current, aside))
        connection.execute(rename.format(new, current))
        connection.execute(rename.format(aside, new))


def drop(postgres: Postgres, name: str) -> None:
    import psycopg
    from psycopg import sql

    with psycopg.connect(postgres.url("postgres", superuser=True), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def run_client(program: str, url: str, *arguments: str) -> None:
    """pg_dump or pg_restore; the password travels in the environment, where other users cannot see it."""
    from psycopg.conninfo import conninfo_to_dict

    facts = conninfo_to_dict(url)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    environment = {variable: str(facts[name]) for name, variable in names.items() if facts.get(name)}
    command = [str(binary(program)), "--no-password", *arguments]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CommandFailed(f"{program} failed: {last}.")
