"""Turnbook on PostgreSQL: accept and finish are one statement each, so a turn costs the database two short commits.
Effects are parts of the statement that finishes (effects/); some take a lock first.

Times are the database's. A statement that finds a turn already there or ended changes nothing; what stands is read.
"""

# ruff: noqa: S608  # statements are put together from constants of this package; values are always parameters

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import LiteralString
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import Message, Turn, TurnStatus
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.errors import NotFound
from supportplane_runtime.store.interfaces.turns import Accepted
from supportplane_runtime.store.postgres.database import Database, OutcomeUnknown, Params
from supportplane_runtime.store.postgres.effects import CLAUSES
from supportplane_runtime.store.postgres.rows import TURN, answer_document, messages_from, turn_from
from supportplane_runtime.store.rules.audit import TURN_END, turn_facts
from supportplane_runtime.store.rules.turns import (
    LEASE,
    conversation_of,
    ensure_finished,
    ensure_same_question,
)
from supportplane_runtime.turns.interfaces import TurnRequest

UNKNOWN_TURN: LiteralString = "NOT EXISTS (SELECT FROM turns k WHERE k.tenant = %(tenant)s AND k.turn_id = %(turn_id)s)"

# Messages before a turn, newest first; the caller turns them round. A reply has the outcome of its turn.
HISTORY: LiteralString = """
    SELECT coalesce(json_agg(json_build_array(m.role, m.content, m.turn_id, m.created_at, m.outcome)), '[]')
    FROM (
        SELECT m.role, m.content, t.turn_id, m.created_at,
            CASE m.role WHEN 'assistant' THEN t.answer ->> 'outcome' END AS outcome
        FROM messages m
        JOIN turns t ON t.tenant = m.tenant AND t.conversation_id = m.conversation_id AND t.number = m.number
        WHERE m.tenant = {turn}.tenant AND m.conversation_id = {turn}.conversation_id AND m.number < {turn}.number
        ORDER BY m.number DESC, m.role
        LIMIT %(history_limit)s
    ) m
"""

INSERT_TURN: LiteralString = """
turn AS (
    INSERT INTO turns (tenant, turn_id, conversation_id, number, key_id, context, agent, lease_owner, lease_until)
    SELECT tenant, %(turn_id)s, conversation_id, turns, %(key_id)s, %(context)s, %(agent)s, %(lease_owner)s,
        now() + %(lease)s
    FROM conversation
    RETURNING tenant, conversation_id, number, created_at
), message AS (
    INSERT INTO messages (tenant, conversation_id, number, role, content)
    SELECT tenant, conversation_id, number, 'user', %(question)s FROM turn
)
"""

BEGIN_CONVERSATION: LiteralString = f"""
WITH tenant AS (
    INSERT INTO tenants (tenant) VALUES (%(tenant)s) ON CONFLICT DO NOTHING
), customer AS (
    INSERT INTO users (tenant, user_id) VALUES (%(tenant)s, %(user_id)s) ON CONFLICT DO NOTHING
), conversation AS (
    INSERT INTO conversations (tenant, conversation_id, user_id, turns)
    SELECT %(tenant)s, %(conversation_id)s, %(user_id)s, 1 WHERE {UNKNOWN_TURN}
    RETURNING tenant, conversation_id, turns
), {INSERT_TURN}
SELECT created_at, '[]'::json FROM turn
"""

# The row of the conversation is what concurrent turns of it wait for, so each gets a number of its own.
CONTINUE_CONVERSATION: LiteralString = f"""
WITH conversation AS (
    UPDATE conversations SET turns = turns + 1, updated_at = now()
    WHERE tenant = %(tenant)s AND conversation_id = %(conversation_id)s AND user_id = %(user_id)s AND {UNKNOWN_TURN}
    RETURNING tenant, conversation_id, turns
), {INSERT_TURN}
SELECT created_at, ({HISTORY.format(turn="turn")}) FROM turn
"""

ONE_TURN: LiteralString = f"{TURN} WHERE t.tenant = %(tenant)s AND t.turn_id = %(turn_id)s"

HISTORY_OF_TURN: LiteralString = f"""
SELECT ({HISTORY.format(turn="o")}) FROM turns o WHERE o.tenant = %(tenant)s AND o.turn_id = %(turn_id)s
"""

# After a broken connection: the turn is there, still ours, and nobody has begun. The attempt tells it from any other.
TAKE_OVER: LiteralString = """
UPDATE turns SET attempt = attempt + 1, lease_until = now() + %(lease)s
WHERE tenant = %(tenant)s AND turn_id = %(turn_id)s AND status = 'accepted' AND attempt = 1
    AND lease_owner = %(lease_owner)s
RETURNING turn_id
"""

END: LiteralString = """
ended AS (
    UPDATE turns SET status = %(status)s, answer = %(answer)s, failure = %(failure)s, revision = %(revision)s,
        ended_at = now(), lease_owner = NULL, lease_until = NULL
    WHERE tenant = %(tenant)s AND turn_id = %(turn_id)s AND status = 'accepted'
        AND (%(attempt)s::int IS NULL OR attempt = %(attempt)s)
    RETURNING tenant, turn_id, conversation_id, number, key_id, attempt, agent, answer
)
"""

SAY: LiteralString = """
message AS (
    INSERT INTO messages (tenant, conversation_id, number, role, content)
    SELECT tenant, conversation_id, number, 'assistant', %(response)s FROM ended
)
"""

# A document counts once, however many of its passages are cited.
CITE: LiteralString = r"""
citation AS (
    INSERT INTO citations (tenant, turn_id, document_id, url, title)
    SELECT DISTINCT ON (s.document_id)
        ended.tenant, ended.turn_id, s.document_id, regexp_replace(s.url, '^(https?://[^#]*)#.*', '\1'), s.title
    FROM ended
    CROSS JOIN LATERAL jsonb_to_recordset(ended.answer -> 'sources') AS s (document_id text, url text, title text)
)
"""

AUDIT: LiteralString = """
entry AS (
    INSERT INTO audit (tenant, actor, action, outcome, facts, agent)
    SELECT tenant, key_id, %(action)s, %(outcome)s,
        %(facts)s::jsonb || jsonb_build_object({more}), agent FROM ended
)
"""

ATTEMPT: LiteralString = "'attempt', attempt"
CONVERSATION: LiteralString = "'conversation_id', conversation_id"
END_UNANSWERED: LiteralString = (
    f"WITH {END}, {AUDIT.format(more=f'{ATTEMPT}, {CONVERSATION}')} SELECT turn_id FROM ended"
)


@cache
def finishing(kinds: tuple[str, ...]) -> LiteralString:
    """The statement that finishes a turn with effects of these kinds: one text for the same kinds, prepared once."""
    clauses = [CLAUSES[kind] for kind in kinds]
    audit = AUDIT.format(more=", ".join((ATTEMPT, *(clause.facts for clause in clauses if clause.facts))))
    ctes = ", ".join((END, SAY, CITE, *(clause.ctes for clause in clauses), audit))
    results = ", ".join(clause.result for clause in clauses) or "NULL"
    return f"WITH {ctes} SELECT {results} FROM ended"


RENEW: LiteralString = """
UPDATE turns SET lease_until = now() + %(lease)s
WHERE tenant = %(tenant)s AND turn_id = ANY(%(turn_ids)s) AND lease_owner = %(lease_owner)s AND status = 'accepted'
RETURNING turn_id
"""

# SKIP LOCKED, so two workers share what was left behind instead of waiting for each other.
CLAIM_ABANDONED: LiteralString = """
WITH abandoned AS (
    SELECT tenant, turn_id FROM turns
    WHERE status = 'accepted' AND lease_until < now() AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
        AND (%(agent)s::text IS NULL OR agent IS NULL OR agent = %(agent)s)
    ORDER BY lease_until LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE turns t SET attempt = t.attempt + 1, lease_owner = %(lease_owner)s, lease_until = now() + %(lease)s
FROM abandoned a WHERE t.tenant = a.tenant AND t.turn_id = a.turn_id
RETURNING t.tenant, t.turn_id
"""


class PostgresTurnbook:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(
        self, request: TurnRequest, *, lease_owner: str, history_limit: int, agent: str | None = None
    ) -> Accepted:
        params = {**_accept_params(request, lease_owner), "history_limit": history_limit, "agent": agent}
        try:
            accepted = await self._insert(request, params)
        except OutcomeUnknown:
            if await self._take_over(request, lease_owner):
                return await self._known(request.tenant, request.turn_id, history_limit, created=True)
            accepted = await self._insert(request, params)
        return accepted or await self._accepted_before(request, history_limit)

    async def finish(self, turn: Turn, ending: Ending, *, revision: str | None = None) -> Answer:
        answer = replace(ending.answer, ticket_id=None)  # that is for the effect to say
        effects = sorted(
            ending.effects, key=lambda each: each.kind
        )  # one order of locks, and one text of the statement
        clauses = [(CLAUSES[each.kind], each) for each in effects]
        params = _finish_params(turn, answer, revision)
        for clause, effect in clauses:
            params |= clause.params(effect, turn)
        locks = [lock for clause, effect in clauses for lock in clause.locks(effect)]
        statement = finishing(tuple(each.kind for each in effects))
        rows = await self._database.run_again_safe(statement, params, after_locks=locks)
        if not rows:
            return ensure_finished(await self.turn(turn.tenant, turn.turn_id))
        for (clause, _), result in zip(clauses, rows[0], strict=False):
            answer = clause.told(answer, result)
        return answer

    async def fail(self, turn: Turn, code: str) -> Turn:
        ended = replace(turn, status=TurnStatus.FAILED, failure=code)
        return await self._end_unanswered(ended, attempt=turn.attempt)

    async def cancel(self, tenant: str, turn_id: UUID) -> Turn:
        turn = await self.turn(tenant, turn_id)
        return await self._end_unanswered(replace(turn, status=TurnStatus.CANCELLED), attempt=None)

    async def renew(self, tenant: str, turn_ids: Sequence[UUID], lease_owner: str) -> frozenset[UUID]:
        rows = await self._database.run_again_safe(
            RENEW, {"tenant": tenant, "turn_ids": list(turn_ids), "lease_owner": lease_owner, "lease": LEASE}
        )
        return frozenset(row[0] for row in rows)

    async def claim_abandoned(
        self,
        lease_owner: str,
        *,
        limit: int,
        history_limit: int = 40,
        tenant: str | None = None,
        agent: str | None = None,
    ) -> list[Accepted]:
        params = {"lease_owner": lease_owner, "limit": limit, "lease": LEASE, "tenant": tenant, "agent": agent}
        rows = await self._database.run(CLAIM_ABANDONED, params)
        return [await self._known(owner, turn_id, history_limit, created=True) for owner, turn_id in rows]

    async def turn(self, tenant: str, turn_id: UUID) -> Turn:
        turn = await self._find(tenant, turn_id)
        if turn is None:
            raise NotFound(f"There is no turn {turn_id}.")
        return turn

    async def _insert(self, request: TurnRequest, params: Params) -> Accepted | None:
        """None when the turn was there before, or the conversation is not theirs."""
        statement = BEGIN_CONVERSATION if request.conversation_id is None else CONTINUE_CONVERSATION
        try:
            rows = await self._database.run(statement, params)
        except UniqueViolation:  # the same turn id, accepted by someone else in this very moment
            return None
        if not rows:
            return None
        created_at, history = rows[0]
        turn = replace(_accepted_turn(request), created_at=created_at)
        return Accepted(turn=turn, created=True, history=messages_from(history))

    async def _accepted_before(self, request: TurnRequest, history_limit: int) -> Accepted:
        known = await self._find(request.tenant, request.turn_id)
        if known is None:
            raise NotFound(f"There is no conversation {conversation_of(request)}.")
        ensure_same_question(known, request)
        return Accepted(known, created=False, history=await self._history(known, history_limit))

    async def _take_over(self, request: TurnRequest, lease_owner: str) -> bool:
        """After an accept of unknown outcome: whether it did happen; then the turn is ours to work on."""
        params = {**_ids(request.tenant, request.turn_id), "lease_owner": lease_owner, "lease": LEASE}
        return bool(await self._database.run(TAKE_OVER, params))

    async def _known(self, tenant: str, turn_id: UUID, history_limit: int, *, created: bool) -> Accepted:
        turn = await self.turn(tenant, turn_id)
        return Accepted(turn, created=created, history=await self._history(turn, history_limit))

    async def _history(self, turn: Turn, limit: int) -> tuple[Message, ...]:
        params = {**_ids(turn.tenant, turn.turn_id), "history_limit": limit}
        rows = await self._database.run_again_safe(HISTORY_OF_TURN, params)
        return messages_from(rows[0][0])

    async def _find(self, tenant: str, turn_id: UUID) -> Turn | None:
        rows = await self._database.run_again_safe(ONE_TURN, _ids(tenant, turn_id))
        return turn_from(rows[0]) if rows else None

    async def _end_unanswered(self, turn: Turn, *, attempt: int | None) -> Turn:
        rows = await self._database.run_again_safe(END_UNANSWERED, _end_params(turn, attempt=attempt))
        return turn if rows else await self.turn(turn.tenant, turn.turn_id)


def _ids(tenant: str, turn_id: UUID) -> Params:
    return {"tenant": tenant, "turn_id": turn_id}


def _accepted_turn(request: TurnRequest) -> Turn:
    return Turn(
        tenant=request.tenant,
        turn_id=request.turn_id,
        conversation_id=conversation_of(request),
        user_id=request.user_id,
        question=request.question,
        context=request.context,
        status=TurnStatus.ACCEPTED,
        key_id=request.key_id,
    )


def _accept_params(request: TurnRequest, lease_owner: str) -> Params:
    return {
        "tenant": request.tenant,
        "turn_id": request.turn_id,
        "conversation_id": conversation_of(request),
        "user_id": request.user_id,
        "key_id": request.key_id,
        "question": request.question,
        "context": Jsonb(request.context),
        "lease_owner": lease_owner,
        "lease": LEASE,
    }


def _end_params(turn: Turn, *, attempt: int | None) -> dict[str, object]:
    return {
        **_ids(turn.tenant, turn.turn_id),
        "status": turn.status,
        "answer": answer_document(turn.answer) if turn.answer else None,
        "failure": turn.failure,
        "revision": None,
        "attempt": attempt,
        "action": TURN_END,
        "outcome": turn.failure or turn.status,
        "facts": Jsonb(turn_facts(turn)),
    }


def _finish_params(turn: Turn, answer: Answer, revision: str | None) -> dict[str, object]:
    finished = replace(turn, status=TurnStatus.FINISHED, answer=answer, failure=None)
    return {**_end_params(finished, attempt=None), "response": answer.response, "revision": revision}
