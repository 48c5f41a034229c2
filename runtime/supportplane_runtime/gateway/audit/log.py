"""The audit of API calls: entries are queued by requests and written in batches, so no request waits for the database.

The queue is bounded; what does not fit, and what the database refuses for another reason than being away, is dropped
and counted. Refused calls are summed up (refused_calls.py) and have a small part of the queue. Entries hold ids and
codes, never content. Made by state.py, started and stopped by application.py.
"""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import replace
from itertools import islice

import structlog

from supportplane_runtime import metrics
from supportplane_runtime.errors import Unavailable
from supportplane_runtime.gateway.audit.refused_calls import RefusedCalls, is_refused
from supportplane_runtime.store.interfaces.audit import Audit, AuditEntry

log = structlog.get_logger(__name__)

REFUSED_LIMIT = 2_000  # refused calls leave the rest of the queue to honest entries
QUEUE_LIMIT = 10_000  # about 5 MB and, at the goal of 60 turns/s, almost three minutes without a database
BATCH_SIZE = 200
FLUSH_EVERY_S = 1.0  # what a kill -9 may cost
FLUSH_ON_STOP_S = 5.0


class AuditLog:
    """agent: whose entries these are."""

    def __init__(self, audit: Audit, *, agent: str | None = None) -> None:
        self._audit = audit
        self._agent = agent
        self._refused = RefusedCalls()
        self._queue: deque[AuditEntry] = deque()
        self._full = asyncio.Event()
        self._stopping = False
        self._writer: asyncio.Task[None] | None = None

    def add(self, entry: AuditEntry, *, source: str) -> None:
        """source: where the call came from, which refused calls are counted by. outcome of the entry: HTTP status."""
        if is_refused(entry):
            self._add_refused(entry, source)
        else:
            self._put(entry, limit=QUEUE_LIMIT)

    def _add_refused(self, entry: AuditEntry, source: str) -> None:
        taken = self._refused.take(entry, source)
        if taken is None:
            metrics.AUDIT_ENTRIES.labels("summed").inc()
        else:
            self._put(taken, limit=REFUSED_LIMIT)

    def _put(self, entry: AuditEntry, *, limit: int) -> None:
        if len(self._queue) >= limit:
            metrics.AUDIT_ENTRIES.labels("dropped").inc()
            return
        self._queue.append(replace(entry, agent=self._agent))
        if len(self._queue) >= BATCH_SIZE:
            self._full.set()

    def start(self) -> None:
        self._writer = asyncio.create_task(self._write_forever(), name="audit-writer")

    async def stop(self) -> None:
        """Write what is queued, within a deadline; what is left then is dropped and counted."""
        self._stopping = True
        self._full.set()
        if self._writer is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._writer, FLUSH_ON_STOP_S)
        if self._queue:
            log.error("audit_lost", entries=len(self._queue))
            metrics.AUDIT_ENTRIES.labels("dropped").inc(len(self._queue))
            self._queue.clear()

    async def _write_forever(self) -> None:
        while not (self._stopping and not self._queue):
            await self._pause()
            for entry in self._refused.due(everything=self._stopping):
                self._put(entry, limit=REFUSED_LIMIT)
            while self._queue and await self._write_batch():
                pass

    async def _pause(self) -> None:
        """Until a batch is full or the time is up. After a failure the full queue does not hurry us."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_EVERY_S):  # not wait_for, which on 3.11 may lose a cancellation
                await self._full.wait()
        self._full.clear()

    async def _write_batch(self) -> bool:
        """Whether to go on at once. The batch leaves the queue only when it was written or can't ever be."""
        batch = tuple(islice(self._queue, BATCH_SIZE))
        result = "written"
        try:
            await self._audit.record(batch)
        except Unavailable as exc:
            log.warning("audit_waits", entries=len(self._queue), reason=exc.code)
            return False
        except Exception as exc:  # noqa: BLE001 - the top of a background task: one bad batch must not end the audit
            log.error("audit_batch_refused", entries=len(batch), error=type(exc).__name__)  # noqa: TRY400 - content-free
            result = "dropped"
        for _ in batch:
            self._queue.popleft()
        metrics.AUDIT_ENTRIES.labels(result).inc(len(batch))
        return True
