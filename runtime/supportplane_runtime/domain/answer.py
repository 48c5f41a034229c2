"""What a turn ends with: the response, its sources, its confidence and how it came about."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class Outcome(StrEnum):
    ANSWERED = "answered"  # every claim cites a passage that holds it
    ASKED_BACK = "asked_back"  # underspecified: one question back, once
    HANDED_OFF = "handed_off"  # a ticket is open
    DECLINED = "declined"  # out of scope, no ticket
    SMALL_TALK = "small_talk"  # greeting, thanks


@dataclass(frozen=True, slots=True)
class Source:
    """A cited passage. ``marker`` is the number shown in the response as [1]; quote is verbatim text of the chunk.

    headings: that the passage stands under in its document, the nearest last; without the title of the document.
    """

    marker: int
    document_id: str
    chunk_id: str
    title: str
    url: str
    quote: str
    score: float  # 0..1, fused retrieval score of the chunk
    headings: tuple[str, ...] = ()

    @property
    def page(self) -> str:
        """The url without the anchor of the heading: the same for every passage of a document."""
        return self.url.partition("#")[0] if self.url.startswith(("http://", "https://")) else self.url


@dataclass(frozen=True, slots=True)
class Answer:
    """The terminal value of a turn. confidence: 0..1, probability that the response answers the question."""

    response: str
    outcome: Outcome
    confidence: float
    sources: tuple[Source, ...] = field(default=())
    ticket_id: UUID | None = None
    language: str = "en"
    model_share: float = 0.0  # share of the response's sentences that the model wrote and verification accepted
