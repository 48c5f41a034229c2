"""Events of a turn, the same over SSE, WebSocket and in process. A turn always ends with one Answered or one Failed.

``sequence`` counts from 1 within a turn; a client that reconnects names the last one it saw and gets the rest.
"""

from dataclasses import dataclass
from uuid import UUID

from supportplane_runtime.domain.answer import Answer, Source


@dataclass(frozen=True, slots=True)
class Progress:
    """A step began: ``step`` is one of understand, retrieve, answer, verify, handoff; ``detail`` is for people."""

    sequence: int
    step: str
    detail: str
    name: str = "progress"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the response in order; only verified text is sent, so nothing is ever taken back."""

    sequence: int
    text: str
    name: str = "token"


@dataclass(frozen=True, slots=True)
class Sources:
    sequence: int
    sources: tuple[Source, ...]
    name: str = "sources"


@dataclass(frozen=True, slots=True)
class Answered:
    """The whole answer, stored before it is sent."""

    sequence: int
    turn_id: UUID
    conversation_id: UUID
    answer: Answer
    name: str = "final"


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn ended without an answer. ``code`` is a stable code of errors.py, ``detail`` a sentence for people."""

    sequence: int
    turn_id: UUID
    code: str
    detail: str
    retryable: bool
    name: str = "error"


TurnEvent = Progress | Token | Sources | Answered | Failed
