"""Reading and closing tickets. Closing needs ``read`` and ``invoke``: it changes what a reader may only see."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from supportplane_runtime.gateway.api.access import listed_user
from supportplane_runtime.gateway.api.tickets.schemas import TicketPage, TicketReply
from supportplane_runtime.gateway.facts import facts_of
from supportplane_runtime.gateway.http.callers import Acting, Reading
from supportplane_runtime.gateway.http.json import json_reply
from supportplane_runtime.gateway.http.problems import documented
from supportplane_runtime.gateway.http.routes import GatewayRoute
from supportplane_runtime.gateway.http.schemas import PageQuery
from supportplane_runtime.gateway.state import CurrentGateway

router = APIRouter(route_class=GatewayRoute, tags=["tickets"])
_PROBLEMS = documented(400, 401, 403, 404, 429, 503)


@router.get("/api/v1/tickets", summary="List tickets", responses={200: {"model": TicketPage}, **_PROBLEMS})
async def list_tickets(query: Annotated[PageQuery, Query()], caller: Reading, gateway: CurrentGateway) -> Response:
    user_id = listed_user(caller, query.user_id)
    page = await gateway.parts.records.tickets(caller.tenant, user_id=user_id, after=query.after, limit=query.limit)
    return json_reply(TicketPage([TicketReply.of(item) for item in page.items], page.after))


@router.get("/api/v1/tickets/{ticket_id}", summary="A ticket", responses={200: {"model": TicketReply}, **_PROBLEMS})
async def read_ticket(ticket_id: UUID, caller: Reading, gateway: CurrentGateway) -> Response:
    ticket = await gateway.parts.records.ticket(caller.tenant, ticket_id, user_id=caller.user_id)
    return json_reply(TicketReply.of(ticket))


@router.post(
    "/api/v1/tickets/{ticket_id}/close",
    summary="Close a ticket",
    responses={200: {"model": TicketReply}, **_PROBLEMS},
)
async def close_ticket(ticket_id: UUID, caller: Acting, gateway: CurrentGateway, request: Request) -> Response:
    """A closed ticket stays closed. The conversation's next ticket is a new one."""
    records = gateway.parts.records
    await records.ticket(caller.tenant, ticket_id, user_id=caller.user_id)
    facts_of(request).note(ticket_id=ticket_id)
    return json_reply(TicketReply.of(await records.close_ticket(caller.tenant, ticket_id)))
