"""Whose things a caller may touch. What is somebody else's is not found: existence is not told (ADR 0020).

A turn is visible to the session or widget of its user, to a key with the scope ``read``, and to the key that asked for
it or has replaced the key that did.
"""

from uuid import UUID, uuid5

from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.domain.identity import Caller
from supportplane_runtime.errors import NotFound
from supportplane_runtime.gateway.state import Gateway


async def is_visible(gateway: Gateway, caller: Caller, turn: Turn) -> bool:
    if caller.user_id is not None:
        return caller.user_id == turn.user_id
    if caller.sees_the_tenant or caller.key_id == turn.key_id:
        return True
    return await gateway.parts.keys.has_replaced(caller.tenant, caller.key_id, turn.key_id)


def own_turn_id(caller: Caller, turn_id: UUID) -> UUID:
    """Under which a caller's turn is stored when the id that it chose was somebody else's already."""
    return uuid5(turn_id, caller.user_id or caller.key_id)


async def visible_turn(gateway: Gateway, caller: Caller, turn_id: UUID) -> Turn:
    """The turn that the caller knows by this id, with the id that it is stored under. Raises NotFound."""
    for stored_id in (turn_id, own_turn_id(caller, turn_id)):
        turn = await _turn(gateway, caller.tenant, stored_id)
        if turn is not None and await is_visible(gateway, caller, turn):
            return turn
    raise NotFound(f"There is no turn {turn_id}.")


async def _turn(gateway: Gateway, tenant: str, turn_id: UUID) -> Turn | None:
    try:
        return await gateway.parts.lookup.turn(tenant, turn_id)
    except NotFound:
        return None


def listed_user(caller: Caller, asked_for: str | None) -> str | None:
    """Whose rows a listing shows; None means all of the tenant's. Raises NotFound for another user's."""
    if caller.user_id is None:
        return asked_for
    if asked_for not in {None, caller.user_id}:
        raise NotFound("There is no such user.")
    return caller.user_id
