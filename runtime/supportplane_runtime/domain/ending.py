"""What a turn ends with: an answer, and the effects that the answer promises. Stored together or not at all (ADR 0030).

An effect kind is a frozen dataclass here and a module, named by its ``kind``, in store/postgres/effects and in
store/memory/effects. Only orchestrator/nodes/decide.py asks for effects.
"""

from dataclasses import dataclass, fields
from typing import Final, Literal, TypeVar, get_args

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import TicketReason
from supportplane_runtime.domain.gaps import GapReason, NearDocument


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """A wish for a ticket; the store turns it into the conversation's open ticket, new or existing.

    per_hour: new tickets that a visitor of a publishable key may open within an hour; None: any number. A wish beyond
    them joins the visitor's newest ticket of that hour, an open one before a closed one, which is opened again.
    """

    reason: TicketReason
    subject: str
    queue: str | None = None
    per_hour: int | None = None
    kind: Literal["open_ticket"] = "open_ticket"


@dataclass(frozen=True, slots=True)
class NoteGap:
    """A note for the authors of the documents. question: with what it leans on; documents: those that came nearest."""

    reason: GapReason
    question: str
    documents: tuple[NearDocument, ...] = ()
    kind: Literal["note_gap"] = "note_gap"


Effect = OpenTicket | NoteGap
EffectT = TypeVar("EffectT", bound=Effect)


@dataclass(frozen=True, slots=True)
class Ending:
    """effects: at most one of a kind. A kind of which there may be several holds them in a tuple of its own."""

    answer: Answer
    effects: tuple[Effect, ...] = ()

    def __post_init__(self) -> None:
        if len({each.kind for each in self.effects}) < len(self.effects):
            raise ValueError("An ending has at most one effect of a kind")

    def effect(self, of: type[EffectT]) -> EffectT | None:
        return next((each for each in self.effects if isinstance(each, of)), None)


def _kind_of(effect: type[Effect]) -> str:
    return next(str(field.default) for field in fields(effect) if field.name == "kind")


KINDS: Final = tuple(_kind_of(each) for each in get_args(Effect))
