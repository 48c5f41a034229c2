"""How the readings of knowledge bases went, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from supportplane_runtime.domain.knowledge import LastReading
from supportplane_runtime.store.interfaces.readings import NAMED_FILES
from supportplane_runtime.store.memory.state import Clock
from supportplane_runtime.store.rules.readings import Times, version_of


class MemoryReadings:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str], LastReading] = {}
        self._began: dict[tuple[str, str], datetime] = {}

    async def save_begun(self, tenant: str, knowledge_base: str) -> None:
        self._began[tenant, knowledge_base] = self._clock()

    async def version(self, tenant: str, knowledge_bases: Collection[str]) -> str | None:
        names = sorted(set(knowledge_bases))
        return version_of(names, {name: self._times(tenant, name) for name in names})

    def _times(self, tenant: str, name: str) -> Times:
        known = self._known.get((tenant, name), LastReading(name))
        ends = [each for each in (known.completed_at, known.failed_at) if each is not None]
        return max(ends, default=None), self._began.get((tenant, name))

    async def save_completed(
        self,
        tenant: str,
        knowledge_base: str,
        *,
        skipped: Sequence[tuple[str, str]],
        failure: str | None = None,
        embedding: str | None = None,
    ) -> None:
        now, before = self._clock(), self._known.get((tenant, knowledge_base), LastReading(knowledge_base))
        self._known[tenant, knowledge_base] = LastReading(
            knowledge_base,
            completed_at=now,
            failed_at=None if failure is None else now,
            failure=failure,
            skipped=len(skipped),
            named=tuple(skipped[:NAMED_FILES]),
            embedding=embedding or before.embedding,
        )

    async def save_failed(self, tenant: str, knowledge_base: str, failure: str) -> None:
        known = self._known.get((tenant, knowledge_base), LastReading(knowledge_base))
        self._known[tenant, knowledge_base] = replace(known, failed_at=self._clock(), failure=failure)

    async def listing(self, tenant: str) -> list[LastReading]:
        return [self._known[place] for place in sorted(self._known) if place[0] == tenant]
