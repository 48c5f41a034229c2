"""Questions that the documents do not answer well enough, for the authors of the documents, and what they mean.

A question is a gap by its turn (domain/ending.py, NoteGap) or by a thumb down. What it means is added afterwards by an
orchestrator, which has the embedder, so that whoever reads gaps needs none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from supportplane_runtime.domain.conversation import Message
from supportplane_runtime.domain.gaps import GapReason, NearDocument

# So old are questions that are placed, at most; a guess: reports look at the last weeks. Older ones keep their meaning.
RECENT = timedelta(days=90)
HISTORY = 20  # messages; what a follow-up leans on is at most three questions (orchestrator/nodes/understand.py)


@dataclass(frozen=True, slots=True)
class Meaning:
    """embedder: its name; unrelated: the cosine that it gives texts which have nothing in common.

    vector: float32, little-endian, of unit length.
    """

    embedder: str
    unrelated: float
    vector: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """question: with what it leans on, once that is known. reason None: answered, but disliked.

    comment: of the latest thumb down. asked_at: when the turn ended, or of the latest thumb down if that was later.
    documents: those that came nearest, or that the disliked answer cites. meaning: None until it is known.
    """

    turn_id: UUID
    conversation_id: UUID
    user_id: str
    question: str
    reason: GapReason | None
    disliked: bool
    comment: str | None
    asked_at: datetime
    documents: tuple[NearDocument, ...]
    meaning: Meaning | None


@dataclass(frozen=True, slots=True)
class UnplacedQuestion:
    """A question whose meaning is not known. history: what was said before, empty where the question stands alone."""

    turn_id: UUID
    question: str
    history: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class PlacedQuestion:
    """question: what the vector was made of."""

    turn_id: UUID
    question: str
    meaning: Meaning


class Gaps(Protocol):
    """agent: whose turns are meant, with those of no agent; None: any agent's."""

    async def listing(self, tenant: str, *, since: datetime, agent: str | None, limit: int) -> list[Gap]:
        """Those of then or later, newest first."""
        ...

    async def unplaced(
        self, tenant: str, *, agent: str | None, embedder: str, limit: int
    ) -> tuple[list[UnplacedQuestion], int]:
        """Recent questions that this embedder has not embedded, newest first, and how many there are without limit."""
        ...

    async def place(self, tenant: str, questions: Sequence[PlacedQuestion]) -> None:
        """Keep what questions mean, in the place of what was kept before. A turn that is gone is left out."""
        ...
