"""How long a turn is leased, which conversation is its own, and when two questions are the same one."""

from datetime import timedelta
from uuid import UUID, uuid5

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.errors import Conflict, TurnFailed
from supportplane_runtime.turns.interfaces import TurnRequest

# A turn whose process died is taken up by another one after this long without a heartbeat: with a sweep every 15 s it
# ends or goes on within 60 s. Renew a lease at a third of it.
LEASE = timedelta(seconds=30)


def conversation_of(request: TurnRequest) -> UUID:
    """The conversation a turn belongs to.

    A new one's id follows from the turn's, so that two concurrent accepts of the same turn start the same conversation
    and one of them fails, instead of leaving an empty conversation behind.
    """
    return request.conversation_id or uuid5(request.turn_id, request.tenant)


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
