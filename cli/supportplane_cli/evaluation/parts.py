"""The real parts an evaluation runs on: an embedded PostgreSQL of its own, the schema, the index, the embedders.

The database lives in a temporary folder and is gone afterwards; nothing of a running agent is touched.
"""

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from supportplane_cli.embedded.postgres import Postgres, PostgresSpec
from supportplane_runtime.rag.embedding.local import LocalEmbedders
from supportplane_runtime.rag.index.interfaces import Collection
from supportplane_runtime.rag.index.pgvector import PgVectorIndex
from supportplane_runtime.rag.ingestion.ingest import IngestionParts
from supportplane_runtime.rag.ingestion.lock import PostgresIngestionLock
from supportplane_runtime.rag.search.retriever import IndexRetriever
from supportplane_runtime.store.migrate import upgrade
from supportplane_runtime.store.postgres.store import open_store

EMBEDDING_THREADS: Final = 2
POOL_SIZE: Final = 8
# Nobody needs the data after a loss of power.
FAST_AND_LOOSE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class EvaluationParts:
    ingestion: IngestionParts
    index: PgVectorIndex
    embedders: LocalEmbedders

    def retriever(self, collection: Collection) -> IndexRetriever:
        return IndexRetriever(collection, self.index, self.embedders.of(collection.language))


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
    store = await open_store(url, pool_size=POOL_SIZE)
    embedders = LocalEmbedders(threads=EMBEDDING_THREADS)
    try:
        index = PgVectorIndex(store.database.pool)
        lock = PostgresIngestionLock(store.database.pool)
        yield EvaluationParts(IngestionParts(index, embedders, lock), index, embedders)
    finally:
        await asyncio.gather(embedders.close(), store.close())
