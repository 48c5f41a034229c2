"""The first API key and the link of an agent that starts, and the readings it lost: what `up` asks of the database."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from supportplane_cli import storage
from supportplane_cli.errors import CommandFailed
from supportplane_cli.private_files import write_private
from supportplane_cli.stopping import stop
from supportplane_cli.supervisor.ingestion import IngestFailure
from supportplane_cli.supervisor.plan import Plan
from supportplane_runtime.domain.knowledge import unread

TICK_S = 0.1
T = TypeVar("T")


def write_first_key(plan: Plan, database_url: str) -> str:
    """The first API key, kept in its file. Raises StopAsked, CommandFailed."""

    async def made(known: str | None) -> str:
        async with storage.opened_store(database_url) as store:
            return await storage.first_key(store, plan.tenant, known)

    path = plan.data.api_key
    known = path.read_text().strip() if path.exists() else None
    key = asyncio.run(_until_stopped(made(known)))
    if key != known:
        write_private(path, key + "\n")
    return key


def make_link(plan: Plan, database_url: str) -> str:
    """A link that signs a browser in. Raises StopAsked, CommandFailed."""

    async def made() -> str:
        async with storage.opened_store(database_url) as store:
            return await storage.one_time_link(store, plan.tenant, plan.url)

    return asyncio.run(_until_stopped(made()))


def keep_failures(tenant: str, database_url: str, failures: Sequence[IngestFailure]) -> None:
    """For a run that was killed before it could say so itself; where that fails, too, nobody is told later."""
    if not failures:
        return

    async def kept() -> None:
        async with storage.opened_store(database_url) as store:
            for each in failures:
                await store.readings.save_failed(tenant, each.knowledge_base, each.reason)

    with suppress(CommandFailed):
        asyncio.run(_until_stopped(kept()))


def has_index(tenant: str, database_url: str, knowledge_bases: Sequence[str]) -> bool:
    """Whether documents were read into it before. Raises StopAsked, CommandFailed."""

    async def found() -> bool:
        async with storage.opened_store(database_url) as store:
            return unread(knowledge_bases, await store.readings.listing(tenant)) is None

    return asyncio.run(_until_stopped(found()))


async def _until_stopped(work: Coroutine[Any, Any, T]) -> T:
    """The work's result. A signal cancels it: a database elsewhere may not answer. Raises StopAsked."""
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.wait({task}, timeout=TICK_S)
        if stop.asked:
            task.cancel()
    stop.check()
    return task.result()
