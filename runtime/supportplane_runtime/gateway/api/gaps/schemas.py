"""The parameters of the report of gaps and the reply, each declared once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from supportplane_runtime.domain.gaps import GapReason
from supportplane_runtime.gateway.api.gaps.report import EXAMPLES, NEAREST, Subject
from supportplane_runtime.gateway.http.schemas import MAX_AGENT, MAX_PAGE, Moment, Printable

REPORTED = timedelta(days=30)  # as the report of feedback


class GapQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    since: Moment | None = Field(
        default=None,
        description=f"only questions of then or later; by default of the last {REPORTED.days} days",
        examples=["2026-11-01T00:00:00Z"],
    )
    agent: Printable | None = Field(default=None, max_length=MAX_AGENT, description="only questions to this agent")
    limit: int = Field(default=20, ge=1, le=MAX_PAGE, description="subjects, at most")
    key: str | None = None  # as in PageQuery


@dataclass(slots=True)
class GapQuestion:
    turn_id: UUID
    conversation_id: UUID
    question: Annotated[str, Field(description="with the questions that it leans on, a line each")]
    reason: Annotated[GapReason | None, Field(description="null: answered, but disliked")]
    disliked: bool
    comment: Annotated[str | None, Field(description="of the latest thumb down")]


@dataclass(slots=True)
class NearDocumentReply:
    document_id: str
    title: str
    url: Annotated[str, Field(description="of the passage that came nearest, with its heading")]


@dataclass(slots=True)
class SubjectReply:
    subject: Annotated[str, Field(description="its most central question")]
    questions: int
    customers: Annotated[int, Field(description="different users who asked")]
    tickets: Annotated[int, Field(description="questions that became a ticket because the documents do not answer")]
    declined: Annotated[int, Field(description="the same, where the agent opens no ticket")]
    out_of_scope: Annotated[int, Field(description="declined, because the documents are about something else")]
    partial: Annotated[int, Field(description="answered, but for a part of the question")]
    unsure: Annotated[int, Field(description="answered with a low confidence")]
    disliked: Annotated[int, Field(description="questions whose reply got a thumb down, whatever it was")]
    last_asked_at: datetime
    examples: Annotated[list[GapQuestion], Field(description=f"at most {EXAMPLES}, the most central first")]
    documents: Annotated[
        list[NearDocumentReply],
        Field(description=f"found, though not good enough, or cited by disliked answers; at most {NEAREST}"),
    ]

    @classmethod
    def of(cls, subject: Subject) -> Self:
        examples = subject.examples()
        return cls(
            subject=examples[0].question,
            questions=len(subject.gaps),
            customers=subject.customers,
            tickets=subject.count(GapReason.TICKET),
            declined=subject.count(GapReason.DECLINED),
            out_of_scope=subject.count(GapReason.OUT_OF_SCOPE),
            partial=subject.count(GapReason.PARTIAL),
            unsure=subject.count(GapReason.UNSURE),
            disliked=subject.disliked,
            last_asked_at=subject.asked_at,
            examples=[
                GapQuestion(
                    gap.turn_id,
                    gap.conversation_id,
                    gap.question,
                    gap.reason,
                    disliked=gap.disliked,
                    comment=gap.comment,
                )
                for gap in examples
            ],
            documents=[NearDocumentReply(each.document_id, each.title, each.url) for each in subject.documents()],
        )


@dataclass(slots=True)
class GapReport:
    since: Annotated[datetime, Field(description="questions of then or later are counted")]
    questions: Annotated[int, Field(description="counted, the newest first")]
    has_more: Annotated[bool, Field(description="there are older ones since then, which are not counted")]
    ungrouped: Annotated[
        int, Field(description="of the counted, not compared by meaning yet: only equal ones are together")
    ]
    subjects: Annotated[int, Field(description="how many there are, whatever the limit")]
    items: Annotated[list[SubjectReply], Field(description="of most customers first")]
