"""Run by test_ingest.py as a process to kill: ingests many documents and prints each progress."""

import asyncio
import sys
from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from supportplane_runtime.domain.knowledge import Document
from supportplane_runtime.rag.embedding import LocalEmbedders
from supportplane_runtime.rag.ingest import IngestionParts, Progress, ingest
from supportplane_runtime.rag.ingest_lock import PostgresIngestionLock
from supportplane_runtime.rag.interfaces import Collection
from supportplane_runtime.rag.pgvector import PgVectorIndex
from supportplane_runtime.rag.reading import Reading

COLLECTION = Collection("acme", "killed")
DOCUMENTS = Reading(
    tuple(Document(f"d{n}", f"Part {n}", f"Number{n} is one of many.", f"d{n}.md") for n in range(160)), ()
)


def parts(pool: AsyncConnectionPool[AsyncConnection[Any]]) -> IngestionParts:
    return IngestionParts(PgVectorIndex(pool), LocalEmbedders(threads=1), PostgresIngestionLock(pool, poll_s=0.02))


def tell(progress: Progress) -> None:
    print(progress.step, progress.done, flush=True)  # noqa: T201 -- read by the test


async def main(url: str) -> None:
    async with AsyncConnectionPool(url, min_size=1, max_size=4, open=False) as pool:
        await ingest(COLLECTION, DOCUMENTS, parts(pool), progress=tell)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
