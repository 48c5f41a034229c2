"""What users thought of an answer: one a turn and user, the last one wins."""

from fastapi import APIRouter, Request, Response

from supportplane_runtime.domain.conversation import Feedback
from supportplane_runtime.gateway.access import visible_turn
from supportplane_runtime.gateway.facts import facts_of
from supportplane_runtime.gateway.feedback.schemas import FeedbackRequest
from supportplane_runtime.gateway.limits import Invoking
from supportplane_runtime.gateway.problems import documented
from supportplane_runtime.gateway.routes import GatewayRoute
from supportplane_runtime.gateway.state import CurrentGateway

router = APIRouter(route_class=GatewayRoute, tags=["feedback"])


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
    await gateway.parts.records.save_feedback(feedback, any_user=False)
    return Response(status_code=204)
