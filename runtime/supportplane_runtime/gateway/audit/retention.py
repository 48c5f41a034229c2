"""Deletes audit entries that are older than the agent's policy says, once an hour, and tells how large the log is.

Each agent deletes its own entries, and those of its tenant that no agent wrote. All gateways of an agent do so; a
second one finds nothing left. Made by state.py, started and stopped by application.py.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from supportplane_runtime import metrics
from supportplane_runtime.chores import every
from supportplane_runtime.store.interfaces.audit import Audit

log = structlog.get_logger(__name__)

EVERY_S = 300.0  # so old is the size that the metric tells, at most
BATCH_SIZE = 5000  # a statement of some 50 ms, so that nothing waits for it


@dataclass(frozen=True, slots=True)
class Audited:
    """Whose audit entries are kept, and for how long: dataPolicy.retention.auditDays of the agent."""

    tenant: str
    agent: str
    keep: timedelta


class AuditRetention:
    """of: None where there is no policy, as in tests of other things."""

    def __init__(self, audit: Audit, of: Audited | None) -> None:
        self._audit = audit
        self._of = of
        self._chore: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._of is not None:
            self._chore = asyncio.create_task(every(EVERY_S, self.expire, name="audit-retention"))

    async def stop(self) -> None:
        if self._chore is not None:
            self._chore.cancel()
            with suppress(asyncio.CancelledError):
                await self._chore

    async def expire(self) -> None:
        """Raises StoreUnavailable."""
        if self._of is None:
            return
        deleted, batch = 0, BATCH_SIZE
        while batch == BATCH_SIZE:
            of = self._of
            batch = await self._audit.expire(of.tenant, of.agent, older_than=of.keep, limit=BATCH_SIZE)
            deleted += batch
        metrics.AUDIT_SIZE.set(await self._audit.size_bytes())
        if deleted:
            log.info("audit_expired", entries=deleted, older_than_days=self._of.keep.days)
