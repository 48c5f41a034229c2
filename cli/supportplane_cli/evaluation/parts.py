"""The real parts an evaluation runs on: an embedded PostgreSQL of its own, the schema, the index, the embedders.

The database lives in a temporary folder and is gone afterwards; nothing of a running agent is touched.
"""

import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from supportplane_cli.embedded.postgres import Postgres, PostgresSpec
from supportplane_runtime.app.clients import Clients, open_clients
from supportplane_runtime.rag.ingestion.ingest import IngestionParts
from supportplane_runtime.rag.ingestion.lock import PostgresIngestionLock
from supportplane_runtime.store.migrate import upgrade

EMBEDDING_THREADS: Final = 2
POOL_SIZE: Final = 8
# Nobody needs the data after a loss of power.
FAST_AND_LOOSE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class EvaluationParts:
    clients: Clients
    ingestion: IngestionParts


@contextmanager
def database() -> Iterator[str]:
    """A migrated, empty database on a server of its own; its URL."""
    with tempfile.TemporaryDirectory(prefix="supportplane-eval-") as folder:
        root = Path(folder)
        root.chmod(0o755)  # the server runs under an account of its own when we are root
        spec = PostgresSpec(
            folder=root / "postgres",
            log_file=root / "postgres.log",
            superuser_password=secrets.token_urlsafe(16),
            role_password=secrets.token_urlsafe(16),
            settings=FAST_AND_LOOSE,
        )
        server = Postgres(spec)
        try:
            server.prepare()
            server.start()
            server.wait_ready()
            server.provision()
            upgrade(server.url())
            yield server.url()
        finally:
            server.stop()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[EvaluationParts]:
    async with open_clients(url, pool_size=POOL_SIZE, embedding_threads=EMBEDDING_THREADS) as clients:
        lock = PostgresIngestionLock(clients.store.database.pool)
        yield EvaluationParts(clients, IngestionParts(clients.index, clients.embedders, lock))
