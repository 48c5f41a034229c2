"""What users thought of an answer: given by them, one a turn and user; read by those who oversee the tenant.

Reading needs a secret key with the scope ``read``. Sessions and widgets read no feedback, their own neither: nothing
of theirs shows it, and a listing tells which revision of which agent answered.
"""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from supportplane_runtime.domain.conversation import Feedback, Rating
from supportplane_runtime.gateway.api.access import visible_turn
from supportplane_runtime.gateway.api.feedback.schemas import (
    REPORTED,
    DocumentFeedbackReply,
    DocumentQuery,
    DocumentReport,
    FeedbackPage,
    FeedbackQuery,
    FeedbackReply,
    FeedbackRequest,
)
from supportplane_runtime.gateway.facts import facts_of
from supportplane_runtime.gateway.http.callers import Invoking, Overseeing
from supportplane_runtime.gateway.http.json import json_reply
from supportplane_runtime.gateway.http.problems import documented
from supportplane_runtime.gateway.http.routes import GatewayRoute
from supportplane_runtime.gateway.state import CurrentGateway
from supportplane_runtime.store.interfaces.feedback import FeedbackFilter

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
    if body.rating is Rating.DOWN:
        await gateway.parts.disliked.end(caller.tenant, saved.agent, turn.question)
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
    return json_reply(FeedbackPage([FeedbackReply.of(item) for item in page.items], page.after))


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
    return json_reply(DocumentReport(since, [DocumentFeedbackReply.of(item) for item in documents]))
