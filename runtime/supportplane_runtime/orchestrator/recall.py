"""Terminal events: of a turn that just ended, and of one that ended earlier and is read from the store. Pure."""

from collections.abc import Callable, Iterator
from typing import Final

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import Turn, TurnStatus
from supportplane_runtime.errors import RuntimeFault, TurnCancelled, TurnFailed, TurnTimedOut
from supportplane_runtime.turns.events import Answered, Failed, Sources, TurnEvent

# The numbers that the events had are not stored. These come after any that an attempt gives (buffer.py), and are always
# the same, so a client that has seen the end once can be told from one that has not.
RECALLED: Final = 900_000_000

Build = Callable[[int], TurnEvent]

_DETAILS: Final = {
    TurnTimedOut.code: "The turn took longer than the agent allows. Ask again.",
    TurnCancelled.code: "The turn was cancelled.",
}
_DETAIL: Final = "The turn ended without an answer. Ask again."


def answer_events(turn: Turn, answer: Answer) -> Iterator[Build]:
    if answer.sources:
        yield lambda sequence: Sources(sequence, answer.sources)
    yield lambda sequence: Answered(sequence, turn.turn_id, turn.conversation_id, answer)


def fault_event(turn: Turn, fault: RuntimeFault) -> Build:
    return lambda sequence: Failed(sequence, turn.turn_id, fault.code, fault.detail, fault.retryable)


def recalled(turn: Turn, *, after: int) -> Iterator[TurnEvent]:
    """Events of a turn that has ended, as far as the client has not seen them under these numbers."""
    for sequence, build in enumerate(ended(turn), RECALLED + 1):
        if sequence > after:
            yield build(sequence)


def ended(turn: Turn) -> Iterator[Build]:
    """Terminal events of a turn as the store has it. After a failure it is worth asking again, after a cancel not."""
    if turn.answer is not None:
        yield from answer_events(turn, turn.answer)
        return
    cancelled = turn.status is TurnStatus.CANCELLED
    code = TurnCancelled.code if cancelled else turn.failure or TurnFailed.code
    detail = _DETAILS.get(code, _DETAIL)
    yield lambda sequence: Failed(sequence, turn.turn_id, code, detail, retryable=not cancelled)
