"""How the last readings of a running agent's knowledge bases went, for `status` and `doctor`: asked of its database."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from supportplane_cli.errors import CommandFailed
from supportplane_cli.state import State

if TYPE_CHECKING:
    from supportplane_runtime.domain.knowledge import LastReading


def last_readings(state: State) -> "list[LastReading]":
    """Nothing while the database does not answer or is not started yet: health says that."""
    if not state.environment:
        return []
    from supportplane_cli import storage

    async def found() -> "list[LastReading]":
        async with storage.opened_store(state.database_url) as store:
            return await store.readings.listing(state.tenant)

    try:
        return asyncio.run(found())
    except CommandFailed:
        return []


def facts_of(reading: "LastReading") -> dict[str, Any]:
    """skipped_documents names the first of them only."""
    return {
        "knowledge_base": reading.knowledge_base,
        "completed_at": reading.completed_at,
        "failed_at": reading.failed_at,
        "failure": reading.failure,
        "skipped": reading.skipped,
        "skipped_documents": [{"name": name, "reason": reason} for name, reason in reading.named],
    }


def lines_of(reading: "LastReading") -> Iterator[str]:
    """For people: only what is not as it should be."""
    if reading.failed_at is not None:
        yield f"not refreshed since {reading.failed_at:%Y-%m-%d %H:%M} UTC: {reading.failure}"
        yield "  -> mend that and run: supportplane ingest"
    for name, reason in reading.named:
        yield f"left out {name} {reason}"
    more = reading.skipped - len(reading.named)
    if more > 0:
        yield unnamed_line(more, reading.knowledge_base)


def unnamed_line(count: int, knowledge_base: str) -> str:
    """About files that a list has no room for."""
    files = "file" if count == 1 else "files"
    return f"left out {count} more {files} of {knowledge_base}; `supportplane logs knowledge` names each"
