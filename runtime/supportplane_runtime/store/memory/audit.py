"""The audit log in memory."""

from collections.abc import Sequence
from datetime import timedelta

from supportplane_runtime.store.interfaces.audit import NOBODY, AuditEntry
from supportplane_runtime.store.memory.state import State


class MemoryAudit:
    def __init__(self, state: State) -> None:
        self._state = state

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        self._state.audit.extend((self._state.clock(), entry) for entry in entries)

    async def listing(self, tenant: str, *, limit: int) -> list[AuditEntry]:
        return [entry for _, entry in reversed(self._state.audit) if entry.tenant == tenant][:limit]

    async def expire(self, tenant: str, agent: str, *, older_than: timedelta, limit: int) -> int:
        before = self._state.clock() - older_than
        ours = [
            row
            for row in self._state.audit
            if row[0] < before and row[1].tenant in {tenant, NOBODY} and row[1].agent in {agent, None}
        ][:limit]
        self._state.audit = [row for row in self._state.audit if row not in ours]
        return len(ours)

    async def size_bytes(self) -> int:
        return sum(len(repr(entry)) for _, entry in self._state.audit)
