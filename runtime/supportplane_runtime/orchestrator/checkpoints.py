"""LangGraph's checkpoints in PostgreSQL: read, written and cleared away. store/migrate.py creates their tables.

A checkpoint lives from the end of a turn's graph to the turn being stored, a few milliseconds (ADR 0010); one that is
older belongs to a process that died in between, and is kept long enough for another to take the turn up.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg import AsyncCursor
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from supportplane_runtime.errors import StoreUnavailable

# A turn is taken up within a minute of its process dying; a day leaves room for a night with everything down.
KEEP: Final = timedelta(days=1)
# Checkpoints looked at in one sweep; the next sweep takes the rest.
STALE_LIMIT: Final = 500


# In a run's configuration: no earlier attempt can have left a checkpoint.
FIRST_ATTEMPT: Final = "first_attempt"


class TurnSaver(AsyncPostgresSaver):
    """The saver for a graph that writes one row at its end; a turn costs about 1 CPU-ms less with it (2 busy cores).

    It does not look for what cannot be there. And it uses the pool as a pool: the original holds one lock around every
    statement, so turns wait for each other, and wraps each in a pipeline, from which a single statement gains nothing.
    """

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return None if config["configurable"].get(FIRST_ATTEMPT) else await super().aget_tuple(config)

    @asynccontextmanager
    async def _cursor(self, *, pipeline: bool = False) -> AsyncIterator[AsyncCursor[DictRow]]:  # noqa: ARG002
        pool: Any = self.conn
        try:
            async with pool.connection() as connection, connection.cursor(binary=True, row_factory=dict_row) as cursor:
                yield cursor
        except (psycopg.OperationalError, psycopg.InterfaceError) as exc:  # a pool without a connection is the first
            raise StoreUnavailable("The database does not answer at the moment; try again in a few seconds.") from exc


def checkpoint_saver(pool: AsyncConnectionPool[Any]) -> TurnSaver:
    """On the store's pool. allowed_msgpack_modules None: only plain types are read back, whoever wrote the row."""
    return TurnSaver(pool, serde=JsonPlusSerializer(allowed_msgpack_modules=None))


async def forget(saver: AsyncPostgresSaver, threads: Sequence[str]) -> None:
    """Drop the checkpoints of stored turns, many at once: three statements for a batch instead of three for a turn."""
    await saver.aprune(threads, strategy="delete")


async def stale_threads(saver: AsyncPostgresSaver, *, now: datetime) -> list[str]:
    """Threads left by processes that died after a turn was stored and before it was forgotten."""
    before: Any = {"configurable": {"checkpoint_id": _first_id_of(now - KEEP)}}
    found = [
        item.config["configurable"]["thread_id"] async for item in saver.alist(None, before=before, limit=STALE_LIMIT)
    ]
    return list(dict.fromkeys(found))


def _first_id_of(moment: datetime) -> str:
    """The smallest checkpoint id of a moment: they are UUIDs of version 6, which sort by time (RFC 9562)."""
    since = moment - datetime(1582, 10, 15, tzinfo=UTC)
    ticks = since // timedelta(microseconds=1) * 10
    return f"{ticks >> 28:08x}-{(ticks >> 12) & 0xFFFF:04x}-6{ticks & 0xFFF:03x}-8000-000000000000"
