import asyncio
import sys
from typing import Any

import pytest
from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool

from support.programs.ingest_slowly import COLLECTION, DOCUMENTS, NAME, parts
from support.repository import PROGRAMS
from supportplane_runtime.domain.knowledge import Document
from supportplane_runtime.errors import KnowledgeUnavailable
from supportplane_runtime.rag.documents.reading import Reading
from supportplane_runtime.rag.index.interfaces import Collection
from supportplane_runtime.rag.index.pgvector import PgVectorIndex
from supportplane_runtime.rag.index.pgvector_session import autocommit
from supportplane_runtime.rag.ingestion.ingest import ingest
from supportplane_runtime.rag.ingestion.lock import PostgresIngestionLock

Pool = AsyncConnectionPool[AsyncConnection[Any]]
pytestmark = pytest.mark.slow


async def killed_ingestion(url: str) -> None:
    """Starts a process that ingests, and kills it once it has written something but not everything."""
    script = PROGRAMS / "ingest_slowly.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), url, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            step, done = line.split()
            if step == b"embedding" and int(done) > 0:
                break
    finally:
        process.kill()
        await process.wait()


async def sessions_ended(pool: Pool) -> None:
    """Until the database noticed that the process is gone: what it was asked last may still be committed before."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
    async with asyncio.timeout(60), pool.connection() as connection, autocommit(connection):
        while await (await connection.execute(query, (NAME,))).fetchone() != (0,):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.02)


async def test_an_ingestion_killed_half_way_is_continued_and_leaves_a_consistent_index(
    pool: Pool, migrated_database_url: str
) -> None:
    await killed_ingestion(migrated_database_url)
    await sessions_ended(pool)
    index = parts(pool).index
    documents, chunks = await index.count(COLLECTION)
    assert 0 < documents == chunks < len(DOCUMENTS.documents)
    assert len(await index.keyword(COLLECTION, "many", limit=500)) == chunks

    report = await ingest(COLLECTION, DOCUMENTS, parts(pool), progress=lambda _: None)
    assert (report.unchanged, report.embedded) == (chunks, len(DOCUMENTS.documents) - chunks)
    assert [hit.chunk.document_id for hit in await index.keyword(COLLECTION, "number159", limit=5)] == ["d159"]
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT chunks, lexemes FROM knowledge_collections")
        figures = await cursor.fetchone()
        cursor = await connection.execute("SELECT count(*), sum(length) FROM knowledge_chunks")
        assert figures == await cursor.fetchone()
        for table in ("knowledge_vectors", "knowledge_lexemes"):
            cursor = await connection.execute(
                sql.SQL("SELECT count(DISTINCT chunk_key) FROM {}").format(sql.Identifier(table))
            )
            assert await cursor.fetchone() == (len(DOCUMENTS.documents),)


async def test_a_second_ingestion_waits_for_the_first(pool: Pool) -> None:
    first, second = (PostgresIngestionLock(pool, poll_s=0.01) for _ in range(2))
    said = asyncio.Event()
    entered = asyncio.Event()

    async def wait_and_enter() -> None:
        async with second.held(COLLECTION, said.set):
            entered.set()

    def never() -> None:
        pytest.fail("nobody holds this lock")

    async with first.held(COLLECTION, never), first.held(Collection("acme", "another"), never):
        task = asyncio.create_task(wait_and_enter())
        await asyncio.wait_for(said.wait(), 30)
        assert not entered.is_set()
    await asyncio.wait_for(task, 30)
    assert entered.is_set()


async def test_the_lock_of_an_ingestion_that_lost_its_connection_is_free(pool: Pool) -> None:
    lost = Collection("acme", "lost")

    async def lose() -> None:
        async with PostgresIngestionLock(pool).held(lost, lambda: None), pool.connection() as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            async with PostgresIngestionLock(pool, poll_s=0.01).held(lost, lambda: None):
                pass

    with pytest.raises(KnowledgeUnavailable, match="does not answer"):
        await lose()


@pytest.mark.parametrize("odd", ["half a pair \ud800", "a NUL \0"])
async def test_a_document_that_postgresql_cannot_store_is_left_out_by_name_and_the_rest_is_indexed(
    pool: Pool, odd: str
) -> None:
    collection = Collection("acme", f"odd-{len(odd)}")
    documents = (Document("guide/a", "A", "# A\n\nWritten well.", ""), Document("guide/b", odd, "# B\n\nText.", ""))
    report = await ingest(collection, Reading(documents, ()), parts(pool), progress=lambda _: None)
    assert [each.name for each in report.skipped] == ["guide/b"]
    assert await PgVectorIndex(pool).count(collection) == (1, 1)
