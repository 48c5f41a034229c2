"""Whose things a caller may touch. What is another user's or another tenant's is not found: existence is not told."""

from uuid import UUID

from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.domain.identity import Caller
from supportplane_runtime.errors import NotFound
from supportplane_runtime.gateway.state import Gateway


async def visible_turn(gateway: Gateway, caller: Caller, turn_id: UUID) -> Turn:
    """The turn, if it is the caller's tenant's and, for a session or widget, its own user's. Raises NotFound."""
    turn = await gateway.parts.lookup.turn(caller.tenant, turn_id)
    if caller.user_id not in {None, turn.user_id}:
        raise NotFound(f"There is no turn {turn_id}.")
    return turn


def listed_user(caller: Caller, asked_for: str | None) -> str | None:
    """Whose rows a listing shows; None means all of the tenant's. Raises NotFound for another user's."""
    if caller.user_id is None:
        return asked_for
    if asked_for not in {None, caller.user_id}:
        raise NotFound("There is no such user.")
    return caller.user_id
