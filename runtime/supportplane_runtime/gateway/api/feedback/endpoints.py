"""What users thought of an answer: given by them, one a turn and user; read by those who oversee the tenant.

Reading needs a secret key with the scope ``read``. Sessions and widgets read no feedback, their own neither: nothing
of theirs shows it, and a listing tells which revision of which agent answered.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from supportplane_runtime.domain.conversation import Feedback
from supportplane_runtime.gateway.api.access import visible_turn
from supportplane_runtime.gateway.api.feedback.schemas import (
    REPORTED,
    DocumentQuery,
    DocumentReport,
    FeedbackPage,
    FeedbackQuery,
    FeedbackRequest,
)
from supportplane_runtime.gateway.facts import facts_of
from supportplane_runtime.gateway.http.callers import Invoking, Overseeing
from supportplane_runtime.gateway.http.problems import documented
from supportplane_runtime.gateway.http.replies import json_reply
from supportplane_runtime.gateway.http.routes import GatewayRoute
from supportplane_runtime.gateway.state import CurrentGateway
from supportplane_runtime.store.interfaces.feedback import DocumentFeedback, FeedbackFilter, RatedTurn

router = APIRouter(route_class=GatewayRoute, tags=["feedback"])
_PROBLEMS = documented(400, 401, 403, 429, 503)


@router.post(
    "/api/v1/feedback",
    summary="Rate an answer",
    status_code=204,
    responses=documented(400, 401, 403, 404, 413, 415, 429, 503),
)
async def give_feedback(body: FeedbackRequest, caller: Invoking, gateway: CurrentGateway, request: Request) -> Response:
    """A secret key speaks for the user who asked."""
    turn = await visible_turn(gateway, caller, body.turn_id)
    facts_of(request).note(turn_id=turn.turn_id, rating=body.rating.value)
    feedback = Feedback(
        tenant=caller.tenant, turn_id=turn.turn_id, user_id=turn.user_id, rating=body.rating, comment=body.comment
    )
    saved = await gateway.parts.feedback.save(feedback, any_user=False)
    if saved.is_new:
        gateway.ratings.count(saved.agent, saved.revision, body.rating)
    return Response(status_code=204)


@router.get("/api/v1/feedback", summary="List feedback", responses={200: {"model": FeedbackPage}, **_PROBLEMS})
async def list_feedback(
    query: Annotated[FeedbackQuery, Query()], caller: Overseeing, gateway: CurrentGateway
) -> Response:
    """Needs a secret key with the scope read."""
    wanted = FeedbackFilter(query.user_id, query.rating, query.since, query.agent, query.document)
    page = await gateway.parts.feedback.listing(caller.tenant, wanted=wanted, after=query.after, limit=query.limit)
    return json_reply({"items": [rated_turn_data(item) for item in page.items], "after": page.after})


@router.get(
    "/api/v1/feedback/documents",
    summary="Feedback per document",
    responses={200: {"model": DocumentReport}, **_PROBLEMS},
)
async def report_documents(
    query: Annotated[DocumentQuery, Query()], caller: Overseeing, gateway: CurrentGateway
) -> Response:
    """Which documents make answers that do not help. Needs a secret key with the scope read."""
    since = query.since or datetime.now(UTC) - REPORTED
    documents = await gateway.parts.feedback.documents(caller.tenant, since=since, limit=query.limit)
    return json_reply({"since": since, "items": [document_data(item) for item in documents]})


def rated_turn_data(item: RatedTurn) -> dict[str, Any]:
    turn, answer = item.turn, item.turn.answer
    sources = {source.document_id: source for source in answer.sources} if answer else {}
    return {
        "turn_id": turn.turn_id,
        "conversation_id": turn.conversation_id,
        "user_id": item.feedback.user_id,
        "rating": item.feedback.rating.value,
        "comment": item.feedback.comment,
        "updated_at": item.updated_at,
        "question": turn.question,
        "answer": answer.response if answer else None,
        "outcome": answer.outcome.value if answer else None,
        "confidence": answer.confidence if answer else None,
        "sources": [
            {"document_id": source.document_id, "title": source.title, "url": source.url} for source in sources.values()
        ],
        "agent": item.agent,
        "revision": item.revision,
    }


def document_data(item: DocumentFeedback) -> dict[str, Any]:
    rated = item.up + item.down
    return {
        "document_id": item.document_id,
        "title": item.title,
        "url": item.url,
        "answers": item.answers,
        "up": item.up,
        "down": item.down,
        "share_down": item.down / rated if rated else None,
        "examples": [
            {
                "turn_id": example.turn_id,
                "conversation_id": example.conversation_id,
                "question": example.question,
                "comment": example.comment,
            }
            for example in item.examples
        ],
    }
