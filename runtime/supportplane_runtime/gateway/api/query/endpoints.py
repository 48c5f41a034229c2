"""Questions over HTTP: ask and wait, ask and stream, come back to a turn, look at it, cancel it; and the WebSocket."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response, WebSocket
from pydantic.json_schema import SkipJsonSchema

from supportplane_runtime.errors import Conflict, RuntimeFault
from supportplane_runtime.gateway.api.access import visible_turn
from supportplane_runtime.gateway.api.query.beginning import begin
from supportplane_runtime.gateway.api.query.events import failure_fault
from supportplane_runtime.gateway.api.query.requests import turn_request
from supportplane_runtime.gateway.api.query.schemas import MAX_SEQUENCE, QueryReply, QueryRequest, TurnReply
from supportplane_runtime.gateway.api.query.socket import Socket
from supportplane_runtime.gateway.api.query.stream import TurnStream
from supportplane_runtime.gateway.asking import Run
from supportplane_runtime.gateway.facts import facts_of
from supportplane_runtime.gateway.http.callers import Invoking, Seeing, asker_of
from supportplane_runtime.gateway.http.json import json_reply
from supportplane_runtime.gateway.http.problems import documented, problem_response
from supportplane_runtime.gateway.http.routes import GatewayRoute
from supportplane_runtime.gateway.state import CurrentGateway, Gateway
from supportplane_runtime.turns.events import Failed

router = APIRouter(route_class=GatewayRoute, tags=["query"])

_ASKING = documented(400, 401, 403, 404, 408, 409, 413, 415, 429, 500, 503, 504)
_TURN = documented(400, 401, 403, 404, 429, 503)
EVENT_ID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}:[0-9]{1,9}$"
# Before OpenAPI 3.2 the schema of a stream is that of each event.
_EVENT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": EVENT_ID},
        "event": {"enum": ["progress", "token", "sources", "final", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": {"type": "object"}},
    },
    "required": ["event", "data"],
}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events progress, token, sources, then final or error. `id` is `turn_id:sequence`.",
        "content": {"text/event-stream": {"schema": _EVENT}},
    }
}


async def _begin(gateway: Gateway, request: Request, caller: Invoking, body: QueryRequest) -> Run:
    facts = facts_of(request)
    run = await begin(gateway, caller, turn_request(caller, body), asker_of(gateway, caller, facts.peer))
    facts.note(turn_id=run.stored_id, conversation_id=run.turn.conversation_id)
    return run


@router.post("/api/v1/query", summary="Ask and wait for the answer", responses={200: {"model": QueryReply}, **_ASKING})
async def ask(body: QueryRequest, caller: Invoking, gateway: CurrentGateway, request: Request) -> Response:
    """The question is stored first: when the connection breaks, the turn goes on and can be asked for by its id.

    Send your own `turn_id` to be able to repeat a request safely.
    """
    run = await _begin(gateway, request, caller, body)
    turn = run.turn
    try:
        end = await gateway.asking.answer(run)
    except RuntimeFault as fault:
        return problem_response(fault, turn_id=turn.turn_id, conversation_id=turn.conversation_id)
    if isinstance(end, Failed):
        return problem_response(failure_fault(end), turn_id=turn.turn_id, conversation_id=turn.conversation_id)
    facts_of(request).note(outcome=end.answer.outcome.value, ticket_id=end.answer.ticket_id)
    return json_reply(QueryReply.of(end.answer, turn_id=end.turn_id, conversation_id=end.conversation_id))


@router.post(
    "/api/v1/query/stream",
    summary="Ask and stream the answer (server-sent events)",
    response_class=Response,
    responses={**_STREAM, **_ASKING},
)
async def ask_streaming(body: QueryRequest, caller: Invoking, gateway: CurrentGateway, request: Request) -> Response:
    """The first event names the turn and its conversation. After a break go on at `/api/v1/turns/{turn_id}/stream`."""
    peer = facts_of(request).peer
    gateway.streams.ensure_room(caller, peer)
    run = await _begin(gateway, request, caller, body)
    return TurnStream(gateway, run, announce=True, held=gateway.streams.held(caller, peer))


@router.get(
    "/api/v1/turns/{turn_id}/stream",
    summary="Go on with a turn's stream (server-sent events)",
    response_class=Response,
    responses={
        **_STREAM,
        204: {"description": "The turn has ended, and you have seen its last event"},
        **_TURN,
        **documented(409),
    },
)
async def resume_streaming(
    turn_id: UUID,
    caller: Invoking,
    gateway: CurrentGateway,
    request: Request,
    after: Annotated[int, Query(ge=0, le=MAX_SEQUENCE, description="the last sequence that was seen")] = 0,
    last_event_id: Annotated[
        str | SkipJsonSchema[None], Header(description="`turn_id:sequence`, as browsers send it")
    ] = None,
) -> Response:
    """Events after the one named; for a turn that has ended, its last ones. `Last-Event-ID` wins over `after`.

    204 when the turn has ended and no event comes after the one named: it makes an EventSource stop.
    """
    peer = facts_of(request).peer
    gateway.streams.ensure_room(caller, peer)
    turn = await visible_turn(gateway, caller, turn_id)
    seen = after if last_event_id is None else _sequence(last_event_id, turn_id)
    run = gateway.asking.resumed(turn, after=seen, known_as=turn_id)
    if await gateway.asking.has_seen_the_end(run):
        return Response(status_code=204)
    return TurnStream(gateway, run, announce=False, held=gateway.streams.held(caller, peer))


def _sequence(last_event_id: str, turn_id: UUID) -> int:
    named, _, sequence = last_event_id.rpartition(":")
    if named.lower() != str(turn_id) or not (sequence.isascii() and sequence.isdecimal() and len(sequence) < 10):
        raise Conflict("Last-Event-ID is not one of this turn's event ids.")
    return int(sequence)


@router.get("/api/v1/turns/{turn_id}", summary="A turn as it stands", responses={200: {"model": TurnReply}, **_TURN})
async def read_turn(turn_id: UUID, caller: Seeing, gateway: CurrentGateway) -> Response:
    turn = await visible_turn(gateway, caller, turn_id)
    return json_reply(TurnReply.of(replace(turn, turn_id=turn_id)))


@router.post("/api/v1/turns/{turn_id}/cancel", summary="Stop working on a turn", status_code=204, responses={**_TURN})
async def cancel_turn(turn_id: UUID, caller: Invoking, gateway: CurrentGateway, request: Request) -> Response:
    """A turn that has ended stays as it is."""
    turn = await visible_turn(gateway, caller, turn_id)
    facts_of(request).note(turn_id=turn.turn_id)
    await gateway.asking.cancel(turn)
    return Response(status_code=204)


@router.websocket("/api/v1/stream")
async def stream(websocket: WebSocket, caller: Invoking, gateway: CurrentGateway) -> None:
    """Frames of the client: query, resume, cancel. Frames of the server: the events of the stream, with their turn."""
    await Socket(websocket, caller, gateway).serve()
