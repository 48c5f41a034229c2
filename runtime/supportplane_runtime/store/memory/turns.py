"""Turnbook in memory: the same two transactions, over dictionaries."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import Message, Role, Turn, TurnStatus
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.store.interfaces.turns import Accepted
from supportplane_runtime.store.memory.effects import APPLY
from supportplane_runtime.store.memory.state import ConversationRow, State, TurnRow
from supportplane_runtime.store.rules.audit import turn_audit
from supportplane_runtime.store.rules.turns import (
    LEASE,
    conversation_of,
    ensure_finished,
    ensure_same_question,
)
from supportplane_runtime.turns.interfaces import TurnRequest


class MemoryTurnbook:
    def __init__(self, state: State) -> None:
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

    async def finish(self, turn: Turn, ending: Ending, *, revision: str | None = None) -> Answer:
        row = self._state.turn_row(turn.tenant, turn.turn_id)
        if row.turn.status is TurnStatus.ACCEPTED:
            answer = replace(ending.answer, ticket_id=None)  # that is for the effect to say
            for effect in ending.effects:
                answer = APPLY[effect.kind](self._state, row, effect, answer)
            row.revision = revision
            self._end(row, TurnStatus.FINISHED, answer=answer)
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

    def _conversation(self, request: TurnRequest) -> ConversationRow:
        if request.conversation_id is not None:
            return self._state.conversation_row(request.tenant, request.conversation_id, request.user_id)
        now = self._state.clock()
        row = ConversationRow(request.tenant, conversation_of(request), request.user_id, now, now)
        self._state.conversations[request.tenant, row.conversation_id] = row
        return row

    def _insert(self, request: TurnRequest, conversation: ConversationRow, lease_owner: str) -> TurnRow:
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
        row = TurnRow(turn, conversation.numbers, request.key_id, lease_owner, now + LEASE)
        self._state.turns[request.tenant, request.turn_id] = row
        return row

    def _accepted(self, row: TurnRow, history_limit: int, *, created: bool) -> Accepted:
        before = said_before(self._state, row)
        history = tuple(before[-history_limit:]) if history_limit else ()
        return Accepted(turn=row.turn, created=created, history=history)

    def _end(
        self, row: TurnRow, status: TurnStatus, *, answer: Answer | None = None, failure: str | None = None
    ) -> None:
        row.turn = replace(row.turn, status=status, answer=answer, failure=failure)
        row.ended_at = self._state.clock()
        self._state.audit.append((self._state.clock(), turn_audit(row.turn, row.key_id, row.agent)))


def said_before(state: State, row: TurnRow) -> list[Message]:
    """In the turn's conversation, oldest first."""
    turns = state.conversation_turns(row.turn.tenant, row.turn.conversation_id)
    return [message for other in turns if other.number < row.number for message in _messages(other.turn)]


def _messages(turn: Turn) -> list[Message]:
    question = Message(Role.USER, turn.question, turn.turn_id, turn.created_at)
    if turn.answer is None:
        return [question]
    answer = turn.answer
    return [question, Message(Role.ASSISTANT, answer.response, turn.turn_id, turn.created_at, answer.outcome)]
