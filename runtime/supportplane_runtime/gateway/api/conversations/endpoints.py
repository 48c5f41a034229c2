"""Reading conversations: a key with the scope ``read`` all of its tenant's, sessions and widgets their own."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from supportplane_runtime.gateway.api.access import listed_user
from supportplane_runtime.gateway.api.conversations.schemas import (
    ConversationPage,
    ConversationReply,
    ConversationWithTurns,
)
from supportplane_runtime.gateway.api.query.schemas import TurnReply
from supportplane_runtime.gateway.http.callers import Reading
from supportplane_runtime.gateway.http.json import json_reply
from supportplane_runtime.gateway.http.problems import documented
from supportplane_runtime.gateway.http.routes import GatewayRoute
from supportplane_runtime.gateway.http.schemas import MAX_PAGE, PageQuery
from supportplane_runtime.gateway.state import CurrentGateway

router = APIRouter(route_class=GatewayRoute, tags=["conversations"])
_PROBLEMS = documented(400, 401, 403, 404, 429, 503)


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
    return json_reply(ConversationPage([ConversationReply.of(item) for item in page.items], page.after))


@router.get(
    "/api/v1/conversations/{conversation_id}",
    summary="A conversation with its turns",
    responses={200: {"model": ConversationWithTurns}, **_PROBLEMS},
)
async def read_conversation(conversation_id: UUID, caller: Reading, gateway: CurrentGateway) -> Response:
    records = gateway.parts.records
    summary = await records.conversation(caller.tenant, conversation_id, user_id=caller.user_id)
    turns = await records.turns(caller.tenant, conversation_id, user_id=caller.user_id, limit=MAX_PAGE)
    return json_reply(ConversationWithTurns(ConversationReply.of(summary), [TurnReply.of(turn) for turn in turns]))
