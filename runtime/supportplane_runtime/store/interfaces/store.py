"""Everything that lives in the database, as one value: a part a subject."""

from typing import Protocol

from supportplane_runtime.store.interfaces.audit import Audit
from supportplane_runtime.store.interfaces.feedback import FeedbackBook
from supportplane_runtime.store.interfaces.gaps import Gaps
from supportplane_runtime.store.interfaces.keys import Keys
from supportplane_runtime.store.interfaces.readings import Readings
from supportplane_runtime.store.interfaces.records import Records
from supportplane_runtime.store.interfaces.secrets import SharedSecrets
from supportplane_runtime.store.interfaces.sessions import Sessions
from supportplane_runtime.store.interfaces.turns import Turnbook


class Store(Protocol):
    """Everything that lives in the database, as app hands it on: PostgresStore, or in unit tests MemoryStore."""

    @property
    def turnbook(self) -> Turnbook: ...

    @property
    def records(self) -> Records: ...

    @property
    def feedback(self) -> FeedbackBook: ...

    @property
    def gaps(self) -> Gaps: ...

    @property
    def keys(self) -> Keys: ...

    @property
    def audit(self) -> Audit: ...

    @property
    def sessions(self) -> Sessions: ...

    @property
    def shared_secrets(self) -> SharedSecrets: ...

    @property
    def readings(self) -> Readings: ...

    async def schema(self) -> str | None:
        """The version of the database, None before the first migration; store/migrations has the one we need."""
        ...

    async def probe(self) -> None:
        """One round trip. Raises StoreUnavailable."""
        ...

    async def close(self) -> None: ...
