"""What a turn's graph ends with, and its form in the checkpoint."""

from dataclasses import dataclass

from pydantic import TypeAdapter

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.store.interfaces.turns import TicketRequest


@dataclass(frozen=True, slots=True)
class Ending:
    """The answer, and the ticket it needs or None. Nothing is stored yet: Turnbook.finish stores both at once."""

    answer: Answer
    ticket: TicketRequest | None = None


_ADAPTER = TypeAdapter(Ending)


def to_text(ending: Ending) -> str:
    return _ADAPTER.dump_json(ending).decode()


def from_text(text: str) -> Ending:
    return _ADAPTER.validate_json(text)
