"""Begins a turn for a caller: as ``Asking`` does, and never with a turn that is somebody else's.

A caller chooses the id of its turn. When that id is another's already, the turn is stored under an id that follows from
both, and goes by the chosen one for its caller: so nobody learns whether an id exists, and a repeated request is still
one turn. Called by endpoints.py and socket.py.
"""

from dataclasses import replace

from supportplane_runtime.domain.identity import Caller
from supportplane_runtime.errors import Conflict
from supportplane_runtime.gateway.api.access import is_visible, own_turn_id
from supportplane_runtime.gateway.asking import Run
from supportplane_runtime.gateway.limits.counting import Asker
from supportplane_runtime.gateway.state import Gateway
from supportplane_runtime.turns.interfaces import TurnRequest


async def begin(gateway: Gateway, caller: Caller, request: TurnRequest, asker: Asker) -> Run:
    """Raises Conflict when the caller's own turn of this id is another question, and what ``Asking.begin`` raises."""
    try:
        run = await gateway.asking.begin(request, asker)
    except Conflict:
        known = await gateway.parts.lookup.turn(caller.tenant, request.turn_id)
        if await is_visible(gateway, caller, known):
            raise
    else:
        if await is_visible(gateway, caller, run.turn):
            return run
        gateway.asking.left(run)
    own = replace(request, turn_id=own_turn_id(caller, request.turn_id))
    return await gateway.asking.begin(own, asker, known_as=request.turn_id)
