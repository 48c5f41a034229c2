"""What every store must agree on, as pure functions: leases, ids, what counts as the same question, what is audited."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import Turn, TurnStatus
from supportplane_runtime.errors import Conflict, InvalidRequest, TurnFailed
from supportplane_runtime.store.interfaces import ApiKey, AuditEntry
from supportplane_runtime.turns.interfaces import TurnRequest

# A turn whose process died is taken up by another one after this long without a heartbeat: with a sweep every 15 s it
# is resolved within the 60 s that the fault list allows (fault 27). Renew at a third of it.
LEASE = timedelta(seconds=30)

SCHEMA = "0006"  # the newest of migrations/versions, without importing what migrates (a test compares the two)

NOBODY = "-"  # tenant and actor of an audited call that was refused before it was known whose it is

# A key's name is one line that people read in lists: no control character, no line end, nothing that turns the order of
# the text around, no half of a surrogate pair. Letters, joiners and marks of every script are welcome.
_UNNAMEABLE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")

TICKET_WINDOW = timedelta(hours=1)  # of TicketRequest.per_hour

TURN_END = "turn.end"  # the audit action of a turn that ended, however it did


def conversation_of(request: TurnRequest) -> UUID:
    """The conversation a turn belongs to.

    A new one's id follows from the turn's, so that two concurrent accepts of the same turn start the same conversation
    and one of them fails, instead of leaving an empty conversation behind.
    """
    return request.conversation_id or uuid5(request.turn_id, request.tenant)


def ensure_key_name(name: str) -> str:
    """The name. Raises InvalidRequest that names the first character that no name may hold, and where that stands."""
    found = _UNNAMEABLE.search(name)
    if found is None:
        return name
    raise InvalidRequest(
        f"The name of a key may not hold control characters: character {found.start() + 1} is U+{ord(found[0]):04X}."
    )


def ensure_same_question(known: Turn, request: TurnRequest) -> None:
    """Raises Conflict when a turn id is used again for something else."""
    same = (known.question, known.user_id, known.conversation_id) == (
        request.question,
        request.user_id,
        request.conversation_id or known.conversation_id,
    )
    if not same:
        raise Conflict(f"Turn {request.turn_id} is known with another question, user or conversation; use a new id.")


def ensure_finished(turn: Turn) -> Answer:
    """The answer that stands. Raises TurnFailed for a turn that ended without one."""
    if turn.answer is None:
        raise TurnFailed(f"Turn {turn.turn_id} ended as {turn.status} ({turn.failure or 'no answer'}).")
    return turn.answer


def replaces(newer: ApiKey, older: ApiKey) -> bool:
    """Whether a key took an older one's place: made later under the same name, by the same kind of maker."""
    same = (newer.tenant, newer.name, newer.kind, newer.agent) == (older.tenant, older.name, older.kind, older.agent)
    return same and newer.created_at > older.created_at


def turn_audit(turn: Turn, key_id: str, agent: str | None) -> AuditEntry:
    """The line an ended turn leaves: ids, codes and sizes."""
    return AuditEntry(
        tenant=turn.tenant,
        actor=key_id,
        action=TURN_END,
        outcome=turn.failure or turn.status,
        facts=turn_facts(turn),
        agent=agent,
    )


def turn_facts(turn: Turn) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "turn_id": str(turn.turn_id),
        "conversation_id": str(turn.conversation_id),
        "user_id": turn.user_id,
        "attempt": turn.attempt,
    }
    if turn.status is TurnStatus.FINISHED and turn.answer is not None:
        facts |= {
            "outcome": str(turn.answer.outcome),
            "confidence": turn.answer.confidence,
            "sources": len(turn.answer.sources),
            "ticket_id": str(turn.answer.ticket_id) if turn.answer.ticket_id else None,
        }
    return facts
