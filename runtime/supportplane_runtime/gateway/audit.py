"""The audit of API calls: entries are queued by requests and written in batches, so no request waits for the database.

The queue is bounded; what does not fit, and what the database refuses for another reason than being away, is dropped
and counted. Entries hold ids and codes, never content. Made by state.py, started and stopped by application.py.
"""

import asyncio
from collections import deque
from contextlib import suppress
from itertools import islice

import structlog

from supportplane_runtime import metrics
from supportplane_runtime.errors import Unavailable
from supportplane_runtime.store.interfaces import Audit, AuditEntry

log = structlog.get_logger(__name__)

QUEUE_LIMIT = 10_000  # about 5 MB and, at the goal of 60 turns/s, almost three minutes without a database
BATCH_SIZE = 200
FLUSH_EVERY_S = 1.0  # what a kill -9 may cost
FLUSH_ON_STOP_S = 5.0


class AuditLog:
    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._queue: deque[AuditEntry] = deque()
        self._full = asyncio.Event()
        self._stopping = False
        self._writer: asyncio.Task[None] | None = None

    def add(self, entry: AuditEntry) -> None:
        if len(self._queue) >= QUEUE_LIMIT:
            metrics.AUDIT_ENTRIES.labels("dropped").inc()
            return
        self._queue.append(entry)
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
