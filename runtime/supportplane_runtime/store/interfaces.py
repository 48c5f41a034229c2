"""What the runtime asks of persistence. Upper code imports this, never store.postgres or store.redis.

Every method takes the tenant and sees only that tenant's rows: a foreign id is simply not found. Raises
StoreUnavailable (retryable) when the database does not answer in time. Implementations: postgres/ and redis.py (real),
memory.py (unit tests of upper layers); one conformance suite passes on both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import Feedback, Message, Rating, Ticket, TicketReason, Turn
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.domain.knowledge import LastReading
from supportplane_runtime.turns.interfaces import TurnRequest


@dataclass(frozen=True, slots=True)
class TicketRequest:
    """A wish for a ticket; the store turns it into the conversation's open ticket, new or existing.

    per_hour: new tickets that a visitor of a publishable key may open within an hour; None: any number. A wish beyond
    them joins the visitor's newest ticket of that hour, an open one before a closed one, which is opened again.
    """

    reason: TicketReason
    subject: str
    queue: str | None = None
    per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A turn with what was said before it, oldest first.

    ``created`` tells whose work it is: True means the caller works on the turn now; False means it was known already,
    and someone else works on it, or it has ended (see ``turn.status``).
    """

    turn: Turn
    created: bool
    history: tuple[Message, ...]


class Turnbook(Protocol):
    """Turns with their two transactions.

    Turns of a conversation are numbered as they are accepted. A second question may come while the first is being
    answered: both run, the history of the second simply lacks the answer that was not there yet, and whoever reads
    the conversation later sees question, answer, question, answer (ADR 0007).
    """

    async def accept(
        self, request: TurnRequest, *, lease_owner: str, history_limit: int, agent: str | None = None
    ) -> Accepted:
        """Insert tenant, user, conversation as needed, the turn and the user's message; idempotent by turn id.

        history_limit counts messages (two a turn). agent: who answers it, None means any of the
        tenant's. Raises NotFound when request.conversation_id is not this tenant's
        and user's, Conflict when the turn id is known with another question, user or conversation.
        """
        ...

    async def finish(
        self, turn: Turn, answer: Answer, ticket: TicketRequest | None, *, revision: str | None = None
    ) -> Answer:
        """Store the answer, open or append to the conversation's one open ticket, write audit; once per turn.

        revision: of the agent that answered, None where agents have none (a laptop).
        Returns the answer as stored (with its ticket_id); if the turn was finished already, the answer that stands.
        Raises TurnFailed when it ended as failed or cancelled, NotFound when it was never accepted.
        """
        ...

    async def fail(self, turn: Turn, code: str) -> Turn:
        """End a turn without an answer. Returns the turn as it stands: an ended one, and one that a later attempt has
        taken over (``turn.attempt`` is older), are left as they are. Raises NotFound.
        """
        ...

    async def cancel(self, tenant: str, turn_id: UUID) -> Turn:
        """End a running turn as cancelled. Returns the turn as it stands. Raises NotFound."""
        ...

    async def renew(self, tenant: str, turn_ids: Sequence[UUID], lease_owner: str) -> frozenset[UUID]:
        """Heartbeat for running turns; returns those still ours: stop working on the others."""
        ...

    async def claim_abandoned(
        self,
        lease_owner: str,
        *,
        limit: int,
        history_limit: int = 40,
        tenant: str | None = None,
        agent: str | None = None,
    ) -> list[Accepted]:
        """Accepted turns whose lease ran out, now leased to this owner with attempt + 1.

        tenant: whose turns this worker can answer; None means everyone's. agent: the same, of the tenant's agents;
        turns of no agent are everyone's.
        """
        ...

    async def turn(self, tenant: str, turn_id: UUID) -> Turn:
        """Raises NotFound."""
        ...


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    conversation_id: UUID
    user_id: str
    created_at: datetime
    updated_at: datetime
    turns: int
    open_ticket_id: UUID | None


ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """A page of a listing; ``after`` is the opaque cursor of the next one, None at the end."""

    items: tuple[ItemT, ...]
    after: str | None


class Records(Protocol):
    """Reading what was said; user_id None means any user of the tenant.

    Listings are newest first by creation. A cursor that is not one of ours raises InvalidRequest.
    """

    async def conversations(
        self, tenant: str, *, user_id: str | None, after: str | None, limit: int
    ) -> Page[ConversationSummary]: ...

    async def conversation(self, tenant: str, conversation_id: UUID, *, user_id: str | None) -> ConversationSummary: ...

    async def turns(self, tenant: str, conversation_id: UUID, *, user_id: str | None, limit: int) -> list[Turn]:
        """The last ``limit`` turns, oldest first. Raises NotFound."""
        ...

    async def tickets(self, tenant: str, *, user_id: str | None, after: str | None, limit: int) -> Page[Ticket]: ...

    async def ticket(self, tenant: str, ticket_id: UUID, *, user_id: str | None) -> Ticket: ...

    async def close_ticket(self, tenant: str, ticket_id: UUID) -> Ticket:
        """Close; a closed ticket is returned as it is. The conversation's next ticket is a new one."""
        ...


@dataclass(frozen=True, slots=True)
class SavedFeedback:
    """Who gave the rated answer, and whether the rating is another one than before (a first one is)."""

    agent: str | None
    revision: str | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class FeedbackFilter:
    """Which feedback is meant; None means any.

    since: given or changed then or later. document: the id or the URL of a document that the answer cites.
    """

    user_id: str | None = None
    rating: Rating | None = None
    since: datetime | None = None
    agent: str | None = None
    document: str | None = None


@dataclass(frozen=True, slots=True)
class RatedTurn:
    """Feedback and what it is about. agent and revision gave the answer; None where they were not stored."""

    feedback: Feedback
    turn: Turn
    agent: str | None
    revision: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DislikedTurn:
    """An example of what a document did not answer well."""

    turn_id: UUID
    conversation_id: UUID
    question: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class DocumentFeedback:
    """How the answers that cite a document were rated. url and title are those of the latest such answer.

    answers: how many cite it, rated or not. examples: the latest thumbs down, newest first.
    """

    document_id: str
    url: str
    title: str
    answers: int
    up: int
    down: int
    examples: tuple[DislikedTurn, ...]


EXAMPLES = 3  # questions of thumbs down per document: enough to see what is missing, short enough for a table


class FeedbackBook(Protocol):
    """What users thought of answers."""

    async def save(self, feedback: Feedback, *, any_user: bool) -> SavedFeedback:
        """One per turn and user, the last one wins. Raises NotFound for a turn that is not theirs."""
        ...

    async def listing(self, tenant: str, *, wanted: FeedbackFilter, after: str | None, limit: int) -> Page[RatedTurn]:
        """Newest first by the latest change. A cursor that is not one of this listing's raises InvalidRequest."""
        ...

    async def documents(self, tenant: str, *, since: datetime, limit: int) -> list[DocumentFeedback]:
        """The documents that answers cite, most thumbs down first. since: answers given then or later count."""
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
        """Whether the key took the place of ``before`` (store/rules.py, replaces)."""
        ...

    async def listing(self, tenant: str) -> list[ApiKey]:
        """Every key, revoked ones too, oldest first."""
        ...

    async def revoke(self, tenant: str, key_id: str) -> ApiKey:
        """From now on (5 s at most in other processes) the key is refused. Raises NotFound."""
        ...


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


@dataclass(frozen=True, slots=True)
class Limit:
    """``requests`` in any ``window``, for each subject that is counted."""

    requests: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class LimitDecision:
    allowed: bool
    limit: int
    remaining: int
    reset_after_s: int
    window_s: int


class RateLimiter(Protocol):
    """Made with one Limit per scope (``{"APIKey": Limit(...)}``); asking for another scope is a KeyError."""

    async def hit(self, tenant: str, subject: str, scope: str) -> LimitDecision:
        """Count one request of a key, a user, an address, ...: whatever the scope counts by.

        When Redis is away, a local share of the limit applies (fail-open is counted).
        """
        ...


# A working day on the page; a guess, there is no refresh yet.
SESSION_TTL = timedelta(hours=12)


class Session(NamedTuple):
    tenant: str
    user_id: str


class OpenSession(NamedTuple):
    """A session as lists show it. session_id: the beginning of the stored hash, which signs nobody in."""

    session_id: str
    user_id: str
    started_at: datetime
    expires_at: datetime


class Redeemed(NamedTuple):
    """``secret`` goes into the cookie and is stored hashed; it lives for SESSION_TTL."""

    secret: str
    user_id: str


class Sessions(Protocol):
    """Short sessions of the chat page; one-time links are redeemed once."""

    async def create_link(self, tenant: str, user_id: str, *, ttl_s: int) -> str: ...

    async def redeem(self, token: str) -> Redeemed | None:
        """Exchange a one-time token for a session, or None when unknown, used or expired."""
        ...

    async def lookup(self, secret: str) -> Session | None:
        """The live session, or None."""
        ...

    async def end(self, secret: str) -> Session | None:
        """The session that lived until now, or None."""
        ...

    async def listing(self, tenant: str) -> list[OpenSession]:
        """Those that live, oldest first."""
        ...

    async def end_one(self, tenant: str, session_id: str) -> None:
        """Raises NotFound."""
        ...

    async def end_all(self, tenant: str) -> int:
        """How many sessions ended. One-time links that nobody has used end too, because each would become one."""
        ...


class SharedSecrets(Protocol):
    async def secret(self, tenant: str, name: str, *, offer: str | None = None) -> str:
        """The secret of this name, the same for everyone who ever asks. offer: its value if there is none yet."""
        ...


NAMED_FILES = 100  # of a reading's left-out files that are kept by name; a guess: more is a wrong pattern, not a list


class Readings(Protocol):
    """How the readings of a tenant's knowledge bases went; written by who reads, told by who serves."""

    async def save_completed(
        self, tenant: str, knowledge_base: str, *, skipped: Sequence[tuple[str, str]], failure: str | None = None
    ) -> None:
        """Documents were read into the index to the end. skipped: name and reason of each that was left out.

        failure: what of the knowledge base could not be read all the same, None when everything was.
        """
        ...

    async def save_failed(self, tenant: str, knowledge_base: str, failure: str) -> None:
        """Nothing was brought to the end; what was known of the last completed reading stays."""
        ...

    async def listing(self, tenant: str) -> list[LastReading]:
        """By the names of the knowledge bases."""
        ...


class Store(Protocol):
    """Everything that lives in the database, as app.py hands it on. postgres.PostgresStore, memory.MemoryStore."""

    @property
    def turnbook(self) -> Turnbook: ...

    @property
    def records(self) -> Records: ...

    @property
    def feedback(self) -> FeedbackBook: ...

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
        """The version of the database, None before the first migration; SCHEMA of rules.py is what we want."""
        ...

    async def probe(self) -> None:
        """One round trip. Raises StoreUnavailable."""
        ...

    async def close(self) -> None: ...
