"""The body of a feedback, the parameters of its listing and its report, and the replies, each declared once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from supportplane_runtime.domain.answer import Outcome, Source
from supportplane_runtime.domain.conversation import Rating
from supportplane_runtime.gateway.http.schemas import (
    MAX_AGENT,
    MAX_PAGE,
    Body,
    JsonUUID,
    Moment,
    PageQuery,
    Printable,
    Text,
)
from supportplane_runtime.store.interfaces.feedback import EXAMPLES, DocumentFeedback, RatedTurn
from supportplane_runtime.store.pages import FEEDBACK_CURSOR

_EXAMPLE: JsonDict = {"turn_id": "5b0f6f0a-8c39-4a8e-bf57-f1b0d2c3a7de", "rating": "up"}
REPORTED = timedelta(days=30)  # a guess: enough thumbs to compare, and what was corrected long ago is left out
MAX_DOCUMENT = 2000  # a guess: what browsers and proxies carry of a URL


class FeedbackRequest(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    turn_id: JsonUUID
    rating: Annotated[Rating, Field(strict=False)]
    comment: Text | None = Field(default=None, max_length=4000)


class FeedbackQuery(PageQuery):
    rating: Rating | None = Field(default=None, description="only thumbs up or only thumbs down")
    since: Moment | None = Field(
        default=None, description="given or changed then or later", examples=["2026-11-01T00:00:00Z"]
    )
    after: Annotated[str, Field(pattern=FEEDBACK_CURSOR)] | None = Field(
        default=None, description="the cursor that the previous page named"
    )
    agent: Printable | None = Field(default=None, max_length=MAX_AGENT, description="only answers of this agent")
    document: Printable | None = Field(
        default=None, max_length=MAX_DOCUMENT, description="only answers that cite the document of this id or URL"
    )


class DocumentQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    since: Moment | None = Field(
        default=None,
        description=f"only answers given then or later; by default of the last {REPORTED.days} days",
        examples=["2026-11-01T00:00:00Z"],
    )
    limit: int = Field(default=20, ge=1, le=MAX_PAGE)
    key: str | None = None  # as in PageQuery


@dataclass(slots=True)
class CitedDocument:
    document_id: str
    title: str
    url: str


@dataclass(slots=True)
class FeedbackReply:
    turn_id: UUID
    conversation_id: UUID
    user_id: str
    rating: Rating
    comment: str | None
    updated_at: Annotated[datetime, Field(description="when the rating was given or changed")]
    question: str
    answer: Annotated[str | None, Field(description="null for a turn that ended without one")]
    outcome: Outcome | None
    confidence: Annotated[float | None, Field(ge=0, le=1)]
    sources: Annotated[list[CitedDocument], Field(description="the documents that the answer cites, once each")]
    agent: Annotated[str | None, Field(description="the agent that answered")]
    revision: Annotated[str | None, Field(description="the agent's revision that answered; null on a laptop")]

    @classmethod
    def of(cls, item: RatedTurn) -> Self:
        turn, answer = item.turn, item.turn.answer
        return cls(
            turn_id=turn.turn_id,
            conversation_id=turn.conversation_id,
            user_id=item.feedback.user_id,
            rating=item.feedback.rating,
            comment=item.feedback.comment,
            updated_at=item.updated_at,
            question=turn.question,
            answer=answer.response if answer else None,
            outcome=answer.outcome if answer else None,
            confidence=answer.confidence if answer else None,
            sources=_cited(answer.sources) if answer else [],
            agent=item.agent,
            revision=item.revision,
        )


def _cited(sources: Iterable[Source]) -> list[CitedDocument]:
    by_document = {source.document_id: source for source in sources}
    return [CitedDocument(source.document_id, source.title, source.page) for source in by_document.values()]


@dataclass(slots=True)
class FeedbackPage:
    items: Annotated[list[FeedbackReply], Field(description="newest first; changed feedback is new again")]
    after: Annotated[str | None, Field(description="cursor of the next page, null at the end")]


@dataclass(slots=True)
class DislikedQuestion:
    turn_id: UUID
    conversation_id: UUID
    question: str
    comment: str | None


@dataclass(slots=True)
class DocumentFeedbackReply:
    document_id: Annotated[str | None, Field(description="null: all rated answers that cite no document")]
    title: str | None
    url: str | None
    answers: Annotated[
        int, Field(description="answers that cite the document, rated or not; without a document only rated ones")
    ]
    up: int
    down: int
    share_down: Annotated[float | None, Field(ge=0, le=1, description="thumbs down among all thumbs; null without any")]
    examples: Annotated[
        list[DislikedQuestion], Field(description=f"the latest thumbs down, at most {EXAMPLES}, newest first")
    ]

    @classmethod
    def of(cls, item: DocumentFeedback) -> Self:
        rated = item.up + item.down
        return cls(
            document_id=item.document_id,
            title=item.title,
            url=item.url,
            answers=item.answers,
            up=item.up,
            down=item.down,
            share_down=item.down / rated if rated else None,
            examples=[
                DislikedQuestion(each.turn_id, each.conversation_id, each.question, each.comment)
                for each in item.examples
            ],
        )


@dataclass(slots=True)
class DocumentReport:
    since: Annotated[datetime, Field(description="answers given then or later are counted")]
    items: Annotated[list[DocumentFeedbackReply], Field(description="most thumbs down first")]
