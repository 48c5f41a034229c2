"""The store in memory, for unit tests of the layers above. No I/O, nothing survives the process.

It behaves as postgres/ and redis.py do: one conformance suite (tests/integration/runtime/store) passes on both. Time is
a clock that tests may move: ``MemoryStore(clock=lambda: now)``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from supportplane_runtime.domain.answer import Answer, Source
from supportplane_runtime.domain.conversation import (
    Feedback,
    Message,
    Rating,
    Role,
    Ticket,
    TicketStatus,
    Turn,
    TurnStatus,
)
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.domain.knowledge import LastReading
from supportplane_runtime.errors import Conflict, NotFound
from supportplane_runtime.store.credentials import (
    digest,
    key_id_of,
    mint_key,
    mint_token,
    parse_key,
    same_digest,
    secret_key,
    session_id_of,
)
from supportplane_runtime.store.interfaces import (
    EXAMPLES,
    NAMED_FILES,
    SESSION_TTL,
    Accepted,
    ApiKey,
    AuditEntry,
    ConversationSummary,
    DislikedTurn,
    DocumentFeedback,
    FeedbackFilter,
    KeyKind,
    Limit,
    OpenSession,
    Page,
    RatedTurn,
    Redeemed,
    SavedFeedback,
    Session,
    TicketRequest,
)
from supportplane_runtime.store.pages import FEEDBACK_LISTING, Position, decode_cursor, encode_cursor
from supportplane_runtime.store.rates import WindowCounter, local_counter
from supportplane_runtime.store.rules import (
    LEASE,
    NOBODY,
    SCHEMA,
    TICKET_WINDOW,
    conversation_of,
    ensure_finished,
    ensure_key_name,
    ensure_same_question,
    replaces,
    turn_audit,
)
from supportplane_runtime.turns.interfaces import TurnRequest

Clock = Callable[[], datetime]
RowId = tuple[str, UUID]  # (tenant, id): no id is ever looked up without its tenant


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _TurnRow:
    turn: Turn
    number: int
    key_id: str
    lease_owner: str
    lease_until: datetime
    agent: str | None = None
    revision: str | None = None
    ended_at: datetime | None = None


@dataclass(slots=True)
class _ConversationRow:
    tenant: str
    conversation_id: UUID
    user_id: str
    created_at: datetime
    updated_at: datetime
    numbers: int = 0


@dataclass(slots=True)
class _Expiring:
    tenant: str
    user_id: str
    until: datetime


@dataclass(slots=True)
class _State:
    clock: Clock
    conversations: dict[RowId, _ConversationRow] = field(default_factory=dict)
    turns: dict[RowId, _TurnRow] = field(default_factory=dict)
    tickets: dict[RowId, Ticket] = field(default_factory=dict)
    feedback: dict[tuple[str, UUID, str], tuple[Feedback, datetime]] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[ApiKey, bytes]] = field(default_factory=dict)
    audit: list[tuple[datetime, AuditEntry]] = field(default_factory=list)
    links: dict[bytes, _Expiring] = field(default_factory=dict)
    sessions: dict[bytes, _Expiring] = field(default_factory=dict)

    def turn_row(self, tenant: str, turn_id: UUID) -> _TurnRow:
        row = self.turns.get((tenant, turn_id))
        if row is None:
            raise NotFound(f"There is no turn {turn_id}.")
        return row

    def conversation_row(self, tenant: str, conversation_id: UUID, user_id: str | None) -> _ConversationRow:
        row = self.conversations.get((tenant, conversation_id))
        if row is None or user_id not in (None, row.user_id):
            raise NotFound(f"There is no conversation {conversation_id}.")
        return row

    def conversation_turns(self, tenant: str, conversation_id: UUID) -> list[_TurnRow]:
        rows = [
            row
            for (owner, _), row in self.turns.items()
            if owner == tenant and row.turn.conversation_id == conversation_id
        ]
        return sorted(rows, key=lambda row: row.number)

    def open_ticket(self, tenant: str, conversation_id: UUID) -> Ticket | None:
        return next(
            (
                ticket
                for ticket in self.tickets.values()
                if (ticket.tenant, ticket.conversation_id) == (tenant, conversation_id)
                and ticket.status is TicketStatus.OPEN
            ),
            None,
        )


class MemoryTurnbook:
    def __init__(self, state: _State) -> None:
        self._state = state

    async def accept(
        self, request: TurnRequest, *, lease_owner: str, history_limit: int, agent: str | None = None
    ) -> Accepted:
        known = self._state.turns.get((request.tenant, request.turn_id))
        if known is not None:
            ensure_same_question(known.turn, request)
            return self._accepted(known, history_limit, created=False)
        conversation = self._conversation(request)
        conversation.numbers += 1
        conversation.updated_at = self._state.clock()
        row = self._insert(request, conversation, lease_owner)
        row.agent = agent
        return self._accepted(row, history_limit, created=True)

    async def finish(
        self, turn: Turn, answer: Answer, ticket: TicketRequest | None, *, revision: str | None = None
    ) -> Answer:
        row = self._state.turn_row(turn.tenant, turn.turn_id)
        if row.turn.status is TurnStatus.ACCEPTED:
            ticket_id = self._join_ticket(row, ticket) if ticket else None
            row.revision = revision
            self._end(row, TurnStatus.FINISHED, answer=replace(answer, ticket_id=ticket_id))
        return ensure_finished(row.turn)

    async def fail(self, turn: Turn, code: str) -> Turn:
        row = self._state.turn_row(turn.tenant, turn.turn_id)
        if row.turn.status is TurnStatus.ACCEPTED and row.turn.attempt == turn.attempt:
            self._end(row, TurnStatus.FAILED, failure=code)
        return row.turn

    async def cancel(self, tenant: str, turn_id: UUID) -> Turn:
        row = self._state.turn_row(tenant, turn_id)
        if row.turn.status is TurnStatus.ACCEPTED:
            self._end(row, TurnStatus.CANCELLED)
        return row.turn

    async def renew(self, tenant: str, turn_ids: Sequence[UUID], lease_owner: str) -> frozenset[UUID]:
        rows = [self._state.turns.get((tenant, turn_id)) for turn_id in turn_ids]
        held = [
            row for row in rows if row and row.lease_owner == lease_owner and row.turn.status is TurnStatus.ACCEPTED
        ]
        for row in held:
            row.lease_until = self._state.clock() + LEASE
        return frozenset(row.turn.turn_id for row in held)

    async def claim_abandoned(
        self,
        lease_owner: str,
        *,
        limit: int,
        history_limit: int = 40,
        tenant: str | None = None,
        agent: str | None = None,
    ) -> list[Accepted]:
        now = self._state.clock()
        abandoned = [
            row
            for row in self._state.turns.values()
            if row.turn.status is TurnStatus.ACCEPTED
            and row.lease_until < now
            and tenant in (None, row.turn.tenant)
            and (agent is None or row.agent in (None, agent))
        ][:limit]
        for row in abandoned:
            row.lease_owner, row.lease_until = lease_owner, now + LEASE
            row.turn = replace(row.turn, attempt=row.turn.attempt + 1)
        return [self._accepted(row, history_limit, created=True) for row in abandoned]

    async def turn(self, tenant: str, turn_id: UUID) -> Turn:
        return self._state.turn_row(tenant, turn_id).turn

    def _conversation(self, request: TurnRequest) -> _ConversationRow:
        if request.conversation_id is not None:
            return self._state.conversation_row(request.tenant, request.conversation_id, request.user_id)
        now = self._state.clock()
        row = _ConversationRow(request.tenant, conversation_of(request), request.user_id, now, now)
        self._state.conversations[request.tenant, row.conversation_id] = row
        return row

    def _insert(self, request: TurnRequest, conversation: _ConversationRow, lease_owner: str) -> _TurnRow:
        now = self._state.clock()
        turn = Turn(
            tenant=request.tenant,
            turn_id=request.turn_id,
            conversation_id=conversation.conversation_id,
            user_id=request.user_id,
            question=request.question,
            context=request.context,
            status=TurnStatus.ACCEPTED,
            created_at=now,
            key_id=request.key_id,
        )
        row = _TurnRow(turn, conversation.numbers, request.key_id, lease_owner, now + LEASE)
        self._state.turns[request.tenant, request.turn_id] = row
        return row

    def _accepted(self, row: _TurnRow, history_limit: int, *, created: bool) -> Accepted:
        before = [
            message
            for other in self._state.conversation_turns(row.turn.tenant, row.turn.conversation_id)
            if other.number < row.number
            for message in _messages(other.turn)
        ]
        history = tuple(before[-history_limit:]) if history_limit else ()
        return Accepted(turn=row.turn, created=created, history=history)

    def _join_ticket(self, row: _TurnRow, request: TicketRequest) -> UUID:
        turn = row.turn
        known = self._state.open_ticket(turn.tenant, turn.conversation_id) or self._newest_ticket(row, request)
        ticket = known or Ticket(
            tenant=turn.tenant,
            ticket_id=uuid4(),
            conversation_id=turn.conversation_id,
            user_id=turn.user_id,
            status=TicketStatus.OPEN,
            reason=request.reason,
            subject=request.subject,
            queue=request.queue,
            created_at=self._state.clock(),
        )
        ticket = replace(ticket, status=TicketStatus.OPEN, turn_ids=(*ticket.turn_ids, turn.turn_id))
        self._state.tickets[turn.tenant, ticket.ticket_id] = ticket
        return ticket.ticket_id

    def _newest_ticket(self, row: _TurnRow, request: TicketRequest) -> Ticket | None:
        """Of a visitor who has opened as many as an hour allows; an open one before a closed one."""
        key = self._state.keys.get((row.turn.tenant, row.key_id))
        if request.per_hour is None or key is None or key[0].kind is not KeyKind.PUBLISHABLE:
            return None
        since = self._state.clock() - TICKET_WINDOW
        theirs = (row.turn.tenant, row.turn.user_id)
        recent = [
            (ticket.status is TicketStatus.OPEN, ticket.created_at, ticket.ticket_id.hex, ticket)
            for ticket in self._state.tickets.values()
            if (ticket.tenant, ticket.user_id) == theirs and ticket.created_at and ticket.created_at > since
        ]
        return max(recent)[-1] if len(recent) >= request.per_hour else None

    def _end(
        self, row: _TurnRow, status: TurnStatus, *, answer: Answer | None = None, failure: str | None = None
    ) -> None:
        row.turn = replace(row.turn, status=status, answer=answer, failure=failure)
        row.ended_at = self._state.clock()
        self._state.audit.append((self._state.clock(), turn_audit(row.turn, row.key_id, row.agent)))


class MemoryRecords:
    def __init__(self, state: _State) -> None:
        self._state = state

    async def conversations(
        self, tenant: str, *, user_id: str | None, after: str | None, limit: int
    ) -> Page[ConversationSummary]:
        rows = {
            Position(row.created_at, row.conversation_id): row
            for row in self._state.conversations.values()
            if row.tenant == tenant and user_id in (None, row.user_id)
        }
        positions, cursor = _page(list(rows), after, limit)
        return Page(tuple(self._summary(rows[position]) for position in positions), cursor)

    async def conversation(self, tenant: str, conversation_id: UUID, *, user_id: str | None) -> ConversationSummary:
        return self._summary(self._state.conversation_row(tenant, conversation_id, user_id))

    async def turns(self, tenant: str, conversation_id: UUID, *, user_id: str | None, limit: int) -> list[Turn]:
        self._state.conversation_row(tenant, conversation_id, user_id)
        return [row.turn for row in self._state.conversation_turns(tenant, conversation_id)][-limit:]

    async def tickets(self, tenant: str, *, user_id: str | None, after: str | None, limit: int) -> Page[Ticket]:
        rows = {
            Position(ticket.created_at or self._state.clock(), ticket.ticket_id): ticket
            for ticket in self._state.tickets.values()
            if ticket.tenant == tenant and user_id in (None, ticket.user_id)
        }
        positions, cursor = _page(list(rows), after, limit)
        return Page(tuple(rows[position] for position in positions), cursor)

    async def ticket(self, tenant: str, ticket_id: UUID, *, user_id: str | None) -> Ticket:
        ticket = self._state.tickets.get((tenant, ticket_id))
        if ticket is None or user_id not in (None, ticket.user_id):
            raise NotFound(f"There is no ticket {ticket_id}.")
        return ticket

    async def close_ticket(self, tenant: str, ticket_id: UUID) -> Ticket:
        ticket = await self.ticket(tenant, ticket_id, user_id=None)
        closed = replace(ticket, status=TicketStatus.CLOSED)
        self._state.tickets[tenant, ticket_id] = closed
        return closed

    def _summary(self, row: _ConversationRow) -> ConversationSummary:
        ticket = self._state.open_ticket(row.tenant, row.conversation_id)
        return ConversationSummary(
            conversation_id=row.conversation_id,
            user_id=row.user_id,
            created_at=row.created_at,
            updated_at=row.updated_at,
            turns=row.numbers,
            open_ticket_id=ticket.ticket_id if ticket else None,
        )


class MemoryFeedback:
    def __init__(self, state: _State) -> None:
        self._state = state

    async def save(self, feedback: Feedback, *, any_user: bool) -> SavedFeedback:
        row = self._state.turn_row(feedback.tenant, feedback.turn_id)
        if not any_user and row.turn.user_id != feedback.user_id:
            raise NotFound(f"There is no turn {feedback.turn_id}.")
        place = (feedback.tenant, feedback.turn_id, feedback.user_id)
        before = self._state.feedback.get(place)
        self._state.feedback[place] = (feedback, self._state.clock())
        return SavedFeedback(row.agent, row.revision, before is None or before[0].rating is not feedback.rating)

    async def listing(self, tenant: str, *, wanted: FeedbackFilter, after: str | None, limit: int) -> Page[RatedTurn]:
        items = {
            Position(item.updated_at, item.turn.turn_id): item
            for item in self._of_tenant(tenant)
            if _is_wanted(item, wanted)
        }
        positions, cursor = _page(list(items), after, limit, listing=FEEDBACK_LISTING)
        return Page(tuple(items[position] for position in positions), cursor)

    async def documents(self, tenant: str, *, since: datetime, limit: int) -> list[DocumentFeedback]:
        turns = [
            row.turn
            for (owner, _), row in sorted(self._state.turns.items(), key=_ending, reverse=True)
            if owner == tenant and row.ended_at and row.ended_at >= since
        ]
        ids = {source.document_id for turn in turns for source in _cited(turn)}
        found = [self._document(document_id, turns) for document_id in ids]
        return sorted(found, key=lambda item: (-item.down, item.up, -item.answers, item.document_id))[:limit]

    def _document(self, document_id: str, turns: list[Turn]) -> DocumentFeedback:
        """turns: those that count, newest first."""
        citing = [turn for turn in turns if document_id in {source.document_id for source in _cited(turn)}]
        latest = next(source for source in _cited(citing[0]) if source.document_id == document_id)
        ids = {turn.turn_id for turn in citing}
        rated = [item for item in self._of_tenant(citing[0].tenant) if item.turn.turn_id in ids]
        disliked = [item for item in rated if item.feedback.rating is Rating.DOWN]
        disliked.sort(key=lambda item: (item.updated_at, item.turn.turn_id), reverse=True)
        return DocumentFeedback(
            document_id=document_id,
            url=latest.url,
            title=latest.title,
            answers=len(citing),
            up=len(rated) - len(disliked),
            down=len(disliked),
            examples=tuple(_disliked_turn(item) for item in disliked[:EXAMPLES]),
        )

    def _of_tenant(self, tenant: str) -> list[RatedTurn]:
        return [
            RatedTurn(feedback, row.turn, row.agent, row.revision, updated_at)
            for (owner, turn_id, _), (feedback, updated_at) in self._state.feedback.items()
            if owner == tenant
            for row in (self._state.turns[tenant, turn_id],)
        ]


class MemoryKeys:
    def __init__(self, state: _State) -> None:
        self._state = state

    async def create(
        self, tenant: str, name: str, *, kind: KeyKind, scopes: frozenset[Scope], origins: Sequence[str]
    ) -> tuple[ApiKey, str]:
        plain = mint_key(kind)
        key = ApiKey(
            key_id=key_id_of(plain),
            tenant=tenant,
            name=ensure_key_name(name),
            kind=kind,
            scopes=scopes,
            origins=tuple(origins),
            created_at=self._state.clock(),
            last_used_at=None,
            revoked_at=None,
        )
        self._state.keys[tenant, key.key_id] = (key, digest(plain))
        return key, plain

    async def lookup(self, plain: str) -> ApiKey | None:
        presented = parse_key(plain)
        if presented is None:
            return None
        for place, (key, stored) in self._state.keys.items():
            if key.key_id == presented.key_id and same_digest(stored, presented.digest) and key.revoked_at is None:
                used = replace(key, last_used_at=key.last_used_at or self._state.clock())
                self._state.keys[place] = (used, stored)
                return used
        return None

    async def adopt(self, tenant: str, name: str, plain: str, *, scopes: frozenset[Scope], agent: str) -> ApiKey:
        presented, now = secret_key(plain), self._state.clock()
        key = ApiKey(
            presented.key_id, tenant, ensure_key_name(name), KeyKind.SECRET, scopes, (), now, None, None, agent
        )
        for (owner, key_id), (known, stored) in self._state.keys.items():
            if key_id == presented.key_id:
                if (owner, stored, known.agent) != (tenant, presented.digest, agent):
                    raise Conflict(f"The key {key_id} is known from elsewhere.")
                key = replace(known, name=name, revoked_at=None)
        self._state.keys[tenant, key.key_id] = (key, presented.digest)
        return key

    async def has_replaced(self, tenant: str, key_id: str, before: str) -> bool:
        newer, older = self._state.keys.get((tenant, key_id)), self._state.keys.get((tenant, before))
        return newer is not None and older is not None and replaces(newer[0], older[0])

    async def listing(self, tenant: str) -> list[ApiKey]:
        return [key for key, _ in self._state.keys.values() if key.tenant == tenant]

    async def revoke(self, tenant: str, key_id: str) -> ApiKey:
        found = self._state.keys.get((tenant, key_id))
        if found is None:
            raise NotFound(f"There is no key {key_id}.")
        key, stored = found
        revoked = replace(key, revoked_at=key.revoked_at or self._state.clock())
        self._state.keys[tenant, key_id] = (revoked, stored)
        return revoked


class MemoryAudit:
    def __init__(self, state: _State) -> None:
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


class MemorySessions:
    def __init__(self, state: _State) -> None:
        self._state = state

    async def create_link(self, tenant: str, user_id: str, *, ttl_s: int) -> str:
        token = mint_token()
        until = self._state.clock() + timedelta(seconds=ttl_s)
        self._state.links[digest(token)] = _Expiring(tenant, user_id, until)
        return token

    async def redeem(self, token: str) -> Redeemed | None:
        link = self._state.links.pop(digest(token), None)
        if link is None or link.until <= self._state.clock():
            return None
        secret = mint_token()
        until = self._state.clock() + SESSION_TTL
        self._state.sessions[digest(secret)] = _Expiring(link.tenant, link.user_id, until)
        return Redeemed(secret, link.user_id)

    async def lookup(self, secret: str) -> Session | None:
        session = self._state.sessions.get(digest(secret))
        if session is None or session.until <= self._state.clock():
            return None
        return Session(session.tenant, session.user_id)

    async def end(self, secret: str) -> Session | None:
        found = await self.lookup(secret)
        self._state.sessions.pop(digest(secret), None)
        return found

    async def listing(self, tenant: str) -> list[OpenSession]:
        live = sorted((each.until, place, each.user_id) for place, each in self._live(tenant))
        return [OpenSession(session_id_of(place), user, until - SESSION_TTL, until) for until, place, user in live]

    async def end_one(self, tenant: str, session_id: str) -> None:
        for place, _ in self._live(tenant):
            if session_id_of(place) == session_id:
                del self._state.sessions[place]
                return
        raise NotFound(f"There is no session {session_id}.")

    async def end_all(self, tenant: str) -> int:
        ended = self._live(tenant)
        for held in (self._state.sessions, self._state.links):
            for place in [place for place, each in held.items() if each.tenant == tenant]:
                del held[place]
        return len(ended)

    def _live(self, tenant: str) -> list[tuple[bytes, _Expiring]]:
        now = self._state.clock()
        return [
            (place, each) for place, each in self._state.sessions.items() if each.tenant == tenant and each.until > now
        ]


class MemorySharedSecrets:
    def __init__(self) -> None:
        self._values: dict[tuple[str, str], str] = {}

    async def secret(self, tenant: str, name: str, *, offer: str | None = None) -> str:
        return self._values.setdefault((tenant, name), offer or mint_token())


class MemoryReadings:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str], LastReading] = {}

    async def save_completed(
        self, tenant: str, knowledge_base: str, *, skipped: Sequence[tuple[str, str]], failure: str | None = None
    ) -> None:
        now = self._clock()
        self._known[tenant, knowledge_base] = LastReading(
            knowledge_base,
            completed_at=now,
            failed_at=None if failure is None else now,
            failure=failure,
            skipped=len(skipped),
            named=tuple(skipped[:NAMED_FILES]),
        )

    async def save_failed(self, tenant: str, knowledge_base: str, failure: str) -> None:
        known = self._known.get((tenant, knowledge_base), LastReading(knowledge_base))
        self._known[tenant, knowledge_base] = replace(known, failed_at=self._clock(), failure=failure)

    async def listing(self, tenant: str) -> list[LastReading]:
        return [self._known[place] for place in sorted(self._known) if place[0] == tenant]


class MemoryStore:
    """Every part over one state, as PostgresStore is over one database."""

    def __init__(self, *, clock: Clock = _now) -> None:
        state = _State(clock=clock)
        self.turnbook = MemoryTurnbook(state)
        self.records = MemoryRecords(state)
        self.feedback = MemoryFeedback(state)
        self.keys = MemoryKeys(state)
        self.audit = MemoryAudit(state)
        self.sessions = MemorySessions(state)
        self.shared_secrets = MemorySharedSecrets()
        self.readings = MemoryReadings(clock)

    async def schema(self) -> str | None:
        return SCHEMA

    async def probe(self) -> None:
        return

    async def close(self) -> None:
        return


def memory_rate_limiter(limits: Mapping[str, Limit]) -> WindowCounter:
    return local_counter(limits)


def _messages(turn: Turn) -> list[Message]:
    question = Message(Role.USER, turn.question, turn.turn_id, turn.created_at)
    if turn.answer is None:
        return [question]
    return [question, Message(Role.ASSISTANT, turn.answer.response, turn.turn_id, turn.created_at)]


def _cited(turn: Turn) -> tuple[Source, ...]:
    return turn.answer.sources if turn.answer else ()


def _ending(place: tuple[RowId, _TurnRow]) -> tuple[bool, datetime | None, UUID]:
    (_, turn_id), row = place
    return row.ended_at is not None, row.ended_at, turn_id


def _is_wanted(item: RatedTurn, wanted: FeedbackFilter) -> bool:
    names = {name for source in _cited(item.turn) for name in (source.document_id, source.url)}
    return (
        wanted.user_id in (None, item.feedback.user_id)
        and wanted.rating in (None, item.feedback.rating)
        and (wanted.since is None or item.updated_at >= wanted.since)
        and wanted.agent in (None, item.agent)
        and (wanted.document is None or wanted.document in names)
    )


def _disliked_turn(item: RatedTurn) -> DislikedTurn:
    turn = item.turn
    return DislikedTurn(turn.turn_id, turn.conversation_id, turn.question, item.feedback.comment)


def _page(
    positions: list[Position], after: str | None, limit: int, *, listing: str = ""
) -> tuple[list[Position], str | None]:
    start = decode_cursor(after, listing=listing) if after else None
    rest = sorted((position for position in positions if start is None or position < start), reverse=True)
    page = rest[:limit]
    return page, encode_cursor(page[-1], listing=listing) if len(rest) > limit else None
