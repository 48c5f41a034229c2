"""What users thought of answers: kept, listed, and counted per document."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from supportplane_runtime.domain.conversation import Feedback, Rating, Turn
from supportplane_runtime.store.pages import Page


@dataclass(frozen=True, slots=True)
class SavedFeedback:
    """Who gave the rated answer, and whether the rating is another one than before (a first one is)."""

    agent: str | None
    revision: str | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class FeedbackFilter:
    """Which feedback is meant; None means any.

    since: given or changed then or later. document: the id or the URL of a document that the answer cites.
    """

    user_id: str | None = None
    rating: Rating | None = None
    since: datetime | None = None
    agent: str | None = None
    document: str | None = None


@dataclass(frozen=True, slots=True)
class RatedTurn:
    """Feedback and what it is about. agent and revision gave the answer; None where they were not stored."""

    feedback: Feedback
    turn: Turn
    agent: str | None
    revision: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DislikedTurn:
    """An example of what a document did not answer well."""

    turn_id: UUID
    conversation_id: UUID
    question: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class DocumentFeedback:
    """How the answers that cite a document were rated. url and title are those of the latest such answer.

    document_id, url and title are None for all answers that cite no document, and for turns without an answer.
    answers: how many cite it, rated or not; of those that cite no document only the rated ones are counted.
    examples: the latest thumbs down, newest first.
    """

    document_id: str | None
    url: str | None
    title: str | None
    answers: int
    up: int
    down: int
    examples: tuple[DislikedTurn, ...]


def most_disliked_first(item: DocumentFeedback) -> tuple[int, int, int, str]:
    """By what a report is sorted."""
    return -item.down, item.up, -item.answers, item.document_id or ""


EXAMPLES = 3  # questions of thumbs down per document: enough to see what is missing, short enough for a table


class FeedbackBook(Protocol):
    """What users thought of answers."""

    async def save(self, feedback: Feedback, *, any_user: bool) -> SavedFeedback:
        """One per turn and user, the last one wins. Raises NotFound for a turn that is not theirs."""
        ...

    async def listing(self, tenant: str, *, wanted: FeedbackFilter, after: str | None, limit: int) -> Page[RatedTurn]:
        """Newest first by the latest change. A cursor that is not one of this listing's raises InvalidRequest."""
        ...

    async def documents(self, tenant: str, *, since: datetime, limit: int) -> list[DocumentFeedback]:
        """The documents that answers cite, most thumbs down first, and one item for rated answers that cite none.

        since: answers given then or later count.
        """
        ...
