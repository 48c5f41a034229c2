"""What the last start found out, so that a warm one need not: which schema the database has, which documents are in.

Running the migration to learn that there is nothing to do costs 2 s of imports, and waiting for documents that were
read before costs as much (2 cores, 2026-11). Only a hint: whatever does not match exactly is done again.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from supportplane_cli.paths import DataDir
from supportplane_cli.private_files import write_private

VERSION_TABLE = "schema_version"  # as in supportplane_runtime/store/migrate.py, whose import is what is saved here
CHECKPOINTS = "langgraph-checkpoint-postgres"  # its tables are migrated by its own release


@dataclass(frozen=True, slots=True)
class Warmth:
    """migrations: fingerprint of this release's migrations. schema: what the database said after they ran.
    indexed: the knowledge bases that were read to the end.
    """

    migrations: str = ""
    schema: str | None = None
    indexed: tuple[str, ...] = ()


def read_warmth(data: DataDir) -> Warmth:
    """Nothing known when there is no note or it is damaged."""
    try:
        facts = json.loads(data.warmth.read_text())
        return Warmth(str(facts["migrations"]), facts["schema"], tuple(facts["indexed"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Warmth()


def save_warmth(data: DataDir, warmth: Warmth) -> None:
    write_private(data.warmth, json.dumps(asdict(warmth)) + "\n")


def migrations_fingerprint() -> str:
    """Changes with any migration file and with the release that brings the checkpoint tables."""
    spec = find_spec("supportplane_runtime.store")
    folder = Path((spec.submodule_search_locations or [""])[0] if spec else "") / "migrations"
    digest = hashlib.sha256(version(CHECKPOINTS).encode())
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def schema_version(database_url: str) -> str | None:
    """The migration the database is at; None for one without any."""
    import psycopg
    from psycopg import sql

    statement = sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(VERSION_TABLE))
    try:
        with psycopg.connect(database_url, connect_timeout=5) as connection:
            row = connection.execute(statement).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return str(row[0]) if row else None
