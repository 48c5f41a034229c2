"""Reading conversations: a key with the scope ``read`` all of its tenant's, sessions and widgets their own."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from supportplane_runtime.gateway.api.access import listed_user
from supportplane_runtime.gateway.api.conversations.schemas import ConversationPage, ConversationWithTurns
from supportplane_runtime.gateway.api.query.events import turn_data
from supportplane_runtime.gateway.http.callers import Reading
from supportplane_runtime.gateway.http.problems import documented
from supportplane_runtime.gateway.http.replies import json_reply
from supportplane_runtime.gateway.http.routes import GatewayRoute
from supportplane_runtime.gateway.http.schemas import MAX_PAGE, PageQuery
from supportplane_runtime.gateway.state import CurrentGateway
from supportplane_runtime.store.interfaces.records import ConversationSummary

router = APIRouter(route_class=GatewayRoute, tags=["conversations"])
_PROBLEMS = documented(400, 401, 403, 404, 429, 503)


def conversation_data(summary: ConversationSummary) -> dict[str, Any]:
    return {
        "conversation_id": summary.conversation_id,
        "user_id": summary.user_id,
        "created_at": summary.created_at,
        "updated_at": summary.updated_at,
        "turns": summary.turns,
        "open_ticket_id": summary.open_ticket_id,
    }


@router.get(
    "/api/v1/conversations", summary="List conversations", responses={200: {"model": ConversationPage}, **_PROBLEMS}
)
async def list_conversations(
    query: Annotated[PageQuery, Query()], caller: Reading, gateway: CurrentGateway
) -> Response:
    user_id = listed_user(caller, query.user_id)
    page = await gateway.parts.records.conversations(
        caller.tenant, user_id=user_id, after=query.after, limit=query.limit
    )
    return json_reply({"items": [conversation_data(item) for item in page.items], "after": page.after})


@router.get(
    "/api/v1/conversations/{conversation_id}",
    summary="A conversation with its turns",
    responses={200: {"model": ConversationWithTurns}, **_PROBLEMS},
)
async def read_conversation(conversation_id: UUID, caller: Reading, gateway: CurrentGateway) -> Response:
    records = gateway.parts.records
    summary = await records.conversation(caller.tenant, conversation_id, user_id=caller.user_id)
    turns = await records.turns(caller.tenant, conversation_id, user_id=caller.user_id, limit=MAX_PAGE)
    return json_reply({"conversation": conversation_data(summary), "turns": [turn_data(turn) for turn in turns]})
