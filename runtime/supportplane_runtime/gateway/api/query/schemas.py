"""Bodies and frames of questions, and the replies, each declared once for its JSON and its documentation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

import orjson
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter
from pydantic.config import JsonDict

from supportplane_runtime.domain.answer import Answer, Outcome, Source
from supportplane_runtime.domain.conversation import Turn, TurnStatus
from supportplane_runtime.gateway.http.schemas import Body, JsonUUID, Question, UserId

MAX_CONTEXT_BYTES = 16 * 1024
MAX_SEQUENCE = 2**31  # more than any event has

_EXAMPLE_QUESTION: JsonDict = {"query": "How do I rotate an API key?", "user_id": "user-42"}
_EXAMPLE_REPLY: JsonDict = {
    "response": "Run `supportplane keys create`, then `supportplane keys revoke` with the old key's id [1].",
    "outcome": "answered",
    "confidence": 0.91,
    "sources": [
        {
            "marker": 1,
            "title": "Manage API keys",
            "headings": ["Rotate an API key"],
            "url": "docs/how-to/api-keys.md",
            "quote": "To rotate a key, create a new one and revoke the old one.",
            "document_id": "docs/how-to/api-keys.md",
            "chunk_id": "9f2c",
            "score": 0.83,
        }
    ],
    "ticket_id": None,
    "conversation_id": "0f4cbe8e-2f6b-4f53-9a35-5f3d3a2f6c11",
    "turn_id": "5b0f6f0a-8c39-4a8e-bf57-f1b0d2c3a7de",
    "language": "en",
}


def _small(context: dict[str, Any]) -> dict[str, Any]:
    if len(orjson.dumps(context)) > MAX_CONTEXT_BYTES:
        raise ValueError(f"must have at most {MAX_CONTEXT_BYTES} bytes")
    return context


class QueryRequest(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_QUESTION]})

    query: Question = Field(description="the question, as the customer wrote it")
    user_id: UserId | None = Field(
        default=None, description="who asks; needed with a secret key, and fixed for sessions and widgets"
    )
    context: Annotated[dict[str, Any], AfterValidator(_small)] = Field(
        default={}, description="facts about the customer or the product, kept with the turn; at most 16 KiB"
    )
    conversation_id: JsonUUID | None = Field(default=None, description="go on with a conversation of the same user")
    turn_id: JsonUUID | None = Field(
        default=None, description="your own id for this question: sent again, it is the same turn, never a second one"
    )


class QueryFrame(QueryRequest):
    type: Literal["query"]


class ResumeFrame(Body):
    type: Literal["resume"]
    turn_id: JsonUUID
    after: int = Field(default=0, ge=0, le=MAX_SEQUENCE, description="the last sequence that was seen")


class CancelFrame(Body):
    type: Literal["cancel"]
    turn_id: JsonUUID


Frame = Annotated[QueryFrame | ResumeFrame | CancelFrame, Field(discriminator="type")]
FRAMES: TypeAdapter[QueryFrame | ResumeFrame | CancelFrame] = TypeAdapter(Frame)


@dataclass(slots=True)
class SourceReply:
    marker: Annotated[int, Field(description="the number shown in the response as [1]")]
    title: str
    headings: Annotated[list[str], Field(description="where in the document: the headings above, the nearest last")]
    url: Annotated[str, Field(description="of the page, with the heading's anchor; a path when there is no baseURL")]
    quote: Annotated[str, Field(description="verbatim text of the cited passage")]
    document_id: str
    chunk_id: str
    score: Annotated[float, Field(ge=0, le=1)]

    @classmethod
    def of(cls, source: Source) -> Self:
        return cls(
            marker=source.marker,
            title=source.title,
            headings=list(source.headings),
            url=source.url,
            quote=source.quote,
            document_id=source.document_id,
            chunk_id=source.chunk_id,
            score=source.score,
        )


# The body of ``POST /api/v1/query`` and the data of the event ``final``. A docstring would be a part of OpenAPI.
@dataclass(slots=True)
class QueryReply:
    response: str
    outcome: Outcome
    confidence: Annotated[float, Field(ge=0, le=1, description="probability that the response answers the question")]
    sources: list[SourceReply]
    ticket_id: Annotated[UUID | None, Field(description="the conversation's open ticket, if people take over")]
    conversation_id: UUID
    turn_id: UUID
    language: str

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_REPLY]})

    @classmethod
    def of(cls, answer: Answer, *, turn_id: UUID, conversation_id: UUID) -> Self:
        return cls(
            response=answer.response,
            outcome=answer.outcome,
            confidence=answer.confidence,
            sources=[SourceReply.of(source) for source in answer.sources],
            ticket_id=answer.ticket_id,
            conversation_id=conversation_id,
            turn_id=turn_id,
            language=answer.language,
        )


@dataclass(slots=True)
class TurnReply:
    turn_id: UUID
    conversation_id: UUID
    user_id: str
    question: str
    status: TurnStatus
    created_at: datetime | None
    answer: Annotated[QueryReply | None, Field(description="present when the status is finished")]
    failure: Annotated[str | None, Field(description="a stable code, present when the status is failed")]

    @classmethod
    def of(cls, turn: Turn) -> Self:
        ids = {"turn_id": turn.turn_id, "conversation_id": turn.conversation_id}
        return cls(
            **ids,
            user_id=turn.user_id,
            question=turn.question,
            status=turn.status,
            created_at=turn.created_at,
            answer=QueryReply.of(turn.answer, **ids) if turn.answer else None,
            failure=turn.failure,
        )
