"""The audit log: who called what and what became of it, never what was said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

NOBODY = "-"  # tenant and actor of an audited call that was refused before it was known whose it is


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One API call or effect. ``facts`` holds ids, codes and sizes, never message content.

    agent: whose policy says how long the entry is kept; None: the entry of a person at the command line.
    """

    tenant: str
    actor: str
    action: str
    outcome: str
    facts: dict[str, Any]
    agent: str | None = None


class Audit(Protocol):
    """What the turnbook does is audited in its own transactions; this is for everything else."""

    async def record(self, entries: Sequence[AuditEntry]) -> None: ...

    async def listing(self, tenant: str, *, limit: int) -> list[AuditEntry]:
        """The latest entries, newest first."""
        ...

    async def expire(self, tenant: str, agent: str, *, older_than: timedelta, limit: int) -> int:
        """Delete entries of this agent, and those of its tenant or of nobody that no agent wrote; how many.

        limit: at most so many, so that a statement stays short.
        """
        ...

    async def size_bytes(self) -> int:
        """What the whole log takes on disk, its indexes included; of all agents of the database."""
        ...
