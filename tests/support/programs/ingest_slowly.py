"""Run by test_ingest.py as a process to kill: ingests many documents and prints each progress.

Half-way it waits for its standard input to end, so however late the kill comes, it comes before the ingestion is over.
"""

import asyncio
import sys
from typing import Any

from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from supportplane_runtime.domain.knowledge import Document
from supportplane_runtime.rag.documents.reading import Reading
from supportplane_runtime.rag.embedding.local import LocalEmbedders
from supportplane_runtime.rag.index.interfaces import Collection
from supportplane_runtime.rag.index.pgvector import PgVectorIndex
from supportplane_runtime.rag.ingestion.ingest import IngestionParts, Progress, ingest
from supportplane_runtime.rag.ingestion.lock import PostgresIngestionLock

NAME = "ingest-slowly"  # of its sessions in the database
COLLECTION = Collection("acme", "killed")
DOCUMENTS = Reading(
    tuple(Document(f"d{n}", f"Part {n}", f"Number{n} is one of many.", f"d{n}.md") for n in range(160)), ()
)


def parts(pool: AsyncConnectionPool[AsyncConnection[Any]]) -> IngestionParts:
    return IngestionParts(PgVectorIndex(pool), LocalEmbedders(threads=1), PostgresIngestionLock(pool, poll_s=0.02))


def tell(progress: Progress) -> None:
    print(progress.step, progress.done, flush=True)  # noqa: T201 -- read by the test
    if progress.step == "embedding" and progress.done > progress.total / 2:
        sys.stdin.read()


async def main(url: str) -> None:
    async with AsyncConnectionPool(
        make_conninfo(url, application_name=NAME), min_size=1, max_size=4, open=False
    ) as pool:
        await ingest(COLLECTION, DOCUMENTS, parts(pool), progress=tell)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
