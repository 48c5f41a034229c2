"""What the runtime asks of persistence. Upper code imports this, never store.postgres or store.redis.

Every method takes the tenant and sees only that tenant's rows: a foreign id is simply not found. Raises
StoreUnavailable (retryable) when the database does not answer in time. Implementation: postgres.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import Feedback, Message, Ticket, TicketReason, Turn
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.turns.interfaces import TurnRequest


@dataclass(frozen=True, slots=True)
class TicketRequest:
    """A wish for a ticket; the store turns it into the conversation's open ticket, new or existing."""

    reason: TicketReason
    subject: str
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """``created`` is False when the turn was known already. history: messages before this turn, oldest first."""

    turn: Turn
    created: bool
    history: tuple[Message, ...]


class Turnbook(Protocol):
    """Turns with their two transactions."""

    async def accept(self, request: TurnRequest, *, lease_owner: str, history_limit: int) -> Accepted:
        """Insert tenant, user, conversation as needed, the turn and the user's message; idempotent by turn id."""
        ...

    async def finish(self, turn: Turn, answer: Answer, ticket: TicketRequest | None) -> Answer:
        """Store the answer, open or append to the conversation's one open ticket, write audit; once per turn.

        Returns the answer as stored (with its ticket_id); if the turn had ended already, the answer that stands.
        """
        ...

    async def fail(self, turn: Turn, code: str) -> None: ...

    async def cancel(self, tenant: str, turn_id: UUID) -> None: ...

    async def renew(self, tenant: str, turn_ids: Sequence[UUID], lease_owner: str) -> None:
        """Heartbeat for running turns."""
        ...

    async def claim_abandoned(self, lease_owner: str, *, limit: int) -> list[Accepted]:
        """Accepted turns whose lease ran out, now leased to this owner with attempt + 1."""
        ...

    async def turn(self, tenant: str, turn_id: UUID) -> Turn: ...


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    conversation_id: UUID
    user_id: str
    created_at: datetime
    updated_at: datetime
    turns: int
    open_ticket_id: UUID | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a listing; ``after`` is the opaque cursor of the next one, None at the end."""

    items: tuple[Any, ...]
    after: str | None


class Records(Protocol):
    """Reading what was said; user_id None means any user of the tenant."""

    async def conversations(self, tenant: str, *, user_id: str | None, after: str | None, limit: int) -> Page: ...

    async def conversation(self, tenant: str, conversation_id: UUID, *, user_id: str | None) -> ConversationSummary: ...

    async def turns(self, tenant: str, conversation_id: UUID, *, user_id: str | None, limit: int) -> list[Turn]: ...

    async def tickets(self, tenant: str, *, user_id: str | None, after: str | None, limit: int) -> Page: ...

    async def ticket(self, tenant: str, ticket_id: UUID, *, user_id: str | None) -> Ticket: ...

    async def close_ticket(self, tenant: str, ticket_id: UUID) -> Ticket: ...

    async def save_feedback(self, feedback: Feedback, *, any_user: bool) -> None:
        """One per turn and user, the last one wins. Raises NotFound for a turn that is not theirs."""
        ...


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


class Keys(Protocol):
    async def create(
        self, tenant: str, name: str, *, kind: KeyKind, scopes: frozenset[Scope], origins: Sequence[str]
    ) -> tuple[ApiKey, str]:
        """The stored key and its plain text, which is never seen again."""
        ...

    async def lookup(self, plain: str) -> ApiKey | None:
        """The live key for a presented secret, or None (unknown or revoked)."""
        ...

    async def listing(self, tenant: str) -> list[ApiKey]: ...

    async def revoke(self, tenant: str, key_id: str) -> ApiKey: ...


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One API call or effect. ``facts`` holds ids, codes and sizes, never message content."""

    tenant: str
    actor: str
    action: str
    outcome: str
    facts: dict[str, Any]


class Audit(Protocol):
    async def record(self, entries: Sequence[AuditEntry]) -> None: ...


class Cache(Protocol):
    """Redis for values that may vanish: tenant-scoped keys, bounded time to live. Misses on failure, and counts it."""

    async def get(self, tenant: str, name: str) -> bytes | None: ...

    async def put(self, tenant: str, name: str, value: bytes, *, ttl_s: int) -> None: ...


@dataclass(frozen=True, slots=True)
class LimitDecision:
    allowed: bool
    limit: int
    remaining: int
    reset_after_s: int


class RateLimiter(Protocol):
    async def hit(self, tenant: str, key_id: str, scope: str) -> LimitDecision:
        """Count one request. When Redis is away, a local share of the limit applies (fail-open is counted)."""
        ...


class Sessions(Protocol):
    """Short sessions of the chat page; one-time links are redeemed once."""

    async def create_link(self, tenant: str, user_id: str, *, ttl_s: int) -> str: ...

    async def redeem(self, token: str) -> tuple[str, str] | None:
        """Exchange a one-time token for (session secret, user_id), or None when unknown, used or expired."""
        ...

    async def lookup(self, secret: str) -> tuple[str, str] | None:
        """(tenant, user_id) of a live session."""
        ...
