"""Secrets that all processes of an agent share."""

from typing import Protocol


class SharedSecrets(Protocol):
    async def secret(self, tenant: str, name: str, *, offer: str | None = None) -> str:
        """The secret of this name, the same for everyone who ever asks. offer: its value if there is none yet."""
        ...
