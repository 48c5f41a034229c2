"""API keys: made, adopted, looked up, revoked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from supportplane_runtime.domain.identity import Scope


class KeyKind(StrEnum):
    SECRET = "secret"  # sk_...: for servers  # noqa: S105
    PUBLISHABLE = "publishable"  # pk_...: for browsers, bound to origins


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as stored: never its secret."""

    key_id: str
    tenant: str
    name: str
    kind: KeyKind
    scopes: frozenset[Scope]
    origins: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    agent: str | None = None  # whose directory of keys it came from; None: made by a person


class Keys(Protocol):
    async def create(
        self, tenant: str, name: str, *, kind: KeyKind, scopes: frozenset[Scope], origins: Sequence[str]
    ) -> tuple[ApiKey, str]:
        """The stored key and its plain text, which is never seen again."""
        ...

    async def lookup(self, plain: str) -> ApiKey | None:
        """The live key for a presented secret, or None (unknown or revoked)."""
        ...

    async def adopt(self, tenant: str, name: str, plain: str, *, scopes: frozenset[Scope], agent: str) -> ApiKey:
        """Make a key made elsewhere valid under this name, again if it was this agent's and revoked.

        Raises InvalidRequest for text that is no secret key, Conflict for a key of another tenant or origin.
        """
        ...

    async def has_replaced(self, tenant: str, key_id: str, before: str) -> bool:
        """Whether the key took the place of ``before`` (store/rules/keys.py, replaces)."""
        ...

    async def listing(self, tenant: str) -> list[ApiKey]:
        """Every key, revoked ones too, oldest first."""
        ...

    async def revoke(self, tenant: str, key_id: str) -> ApiKey:
        """From now on (5 s at most in other processes) the key is refused. Raises NotFound."""
        ...
