"""From a body or frame to a TurnRequest: who asks, under which ids. Called by endpoints.py and socket.py."""

from uuid import uuid4

from supportplane_runtime.domain.identity import Caller
from supportplane_runtime.errors import Forbidden
from supportplane_runtime.gateway.api.query.schemas import QueryRequest
from supportplane_runtime.gateway.errors import FieldError, InvalidFields
from supportplane_runtime.turns.interfaces import TurnRequest


def acting_user(caller: Caller, named: str | None) -> str:
    """Who asks. Sessions and widgets are someone; a secret key vouches for the user it names."""
    if caller.user_id is None:
        if named is None:
            raise InvalidFields((FieldError("user_id", "Field required with a secret key"),))
        return named
    if named not in {None, caller.user_id}:
        raise Forbidden("A session or widget asks as its own user. Leave user_id out.")
    return caller.user_id


def turn_request(caller: Caller, body: QueryRequest) -> TurnRequest:
    return TurnRequest(
        tenant=caller.tenant,
        turn_id=body.turn_id or uuid4(),
        user_id=acting_user(caller, body.user_id),
        question=body.query,
        key_id=caller.key_id,
        conversation_id=body.conversation_id,
        context=body.context,
    )
