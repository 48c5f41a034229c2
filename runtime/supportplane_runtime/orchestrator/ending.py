"""The form of an ending in the checkpoint. Pure; written by nodes/decide.py, read by graph.py.

Releases meet at a checkpoint: while an agent is upgraded, a turn of one release is taken up by the other. So an ending
that cannot be read is None, and the turn is worked on again from its question.
"""

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.ending import Ending, OpenTicket


@dataclass(frozen=True, slots=True)
class _EarlierEnding:
    """As releases before effects wrote it, into another channel. Checkpoints live for a day (checkpoints.py)."""

    answer: Answer
    ticket: OpenTicket | None = None


_ADAPTER = TypeAdapter(Ending)
_EARLIER = TypeAdapter(_EarlierEnding)


def to_text(ending: Ending) -> str:
    return _ADAPTER.dump_json(ending).decode()


def from_text(text: str) -> Ending | None:
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError:  # a later release has kinds of effects that this one does not know
        return None


def from_earlier_text(text: str) -> Ending | None:
    try:
        earlier = _EARLIER.validate_json(text)
    except ValidationError:
        return None
    return Ending(earlier.answer, (earlier.ticket,) if earlier.ticket else ())
