"""MemoryStore: every part over one state. Time is a clock that tests may move: ``MemoryStore(clock=lambda: now)``."""

from supportplane_runtime.store.memory.audit import MemoryAudit
from supportplane_runtime.store.memory.feedback import MemoryFeedback
from supportplane_runtime.store.memory.gaps import MemoryGaps
from supportplane_runtime.store.memory.keys import MemoryKeys
from supportplane_runtime.store.memory.readings import MemoryReadings
from supportplane_runtime.store.memory.records import MemoryRecords
from supportplane_runtime.store.memory.secrets import MemorySharedSecrets
from supportplane_runtime.store.memory.sessions import MemorySessions
from supportplane_runtime.store.memory.state import Clock, State, now
from supportplane_runtime.store.memory.turns import MemoryTurnbook
from supportplane_runtime.store.migrations import NEWEST


class MemoryStore:
    """Every part of the store, as PostgresStore is over one database."""

    def __init__(self, *, clock: Clock = now) -> None:
        state = State(clock=clock)
        self.turnbook = MemoryTurnbook(state)
        self.records = MemoryRecords(state)
        self.feedback = MemoryFeedback(state)
        self.gaps = MemoryGaps(state)
        self.keys = MemoryKeys(state)
        self.audit = MemoryAudit(state)
        self.sessions = MemorySessions(clock)
        self.shared_secrets = MemorySharedSecrets()
        self.readings = MemoryReadings(clock)

    async def schema(self) -> str | None:
        return NEWEST

    async def probe(self) -> None:
        return

    async def close(self) -> None:
        return
