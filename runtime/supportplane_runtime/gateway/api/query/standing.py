"""Whether the caller of an open stream is still who it was: an ended session or a revoked key is served no longer.

Used by stream.py and socket.py.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi.requests import HTTPConnection

from supportplane_runtime.errors import Forbidden, RuntimeFault, Unauthenticated
from supportplane_runtime.gateway.facts import facts_of
from supportplane_runtime.gateway.state import Gateway

# With the 5 s that a key is remembered a revoked one streams for 10 s at most; a session is always asked for.
RECHECK_S = 5.0


@asynccontextmanager
async def while_welcome(gateway: Gateway, connection: HTTPConnection) -> AsyncIterator[None]:
    """Run the block. Raises Unauthenticated or OriginNotAllowed when the credentials of the request stop working."""
    refusals: list[RuntimeFault] = []

    async def watch(limit: asyncio.Timeout) -> None:
        refusals.append(await _refusal(gateway, connection))
        limit.reschedule(asyncio.get_running_loop().time())

    try:
        async with asyncio.timeout(None) as limit:
            watching = asyncio.create_task(watch(limit), name="still-welcome")
            try:
                yield
            finally:
                watching.cancel()
    except TimeoutError:
        if refusals and limit.expired():
            raise refusals[0] from None
        raise


async def _refusal(gateway: Gateway, connection: HTTPConnection) -> RuntimeFault:
    """Waits until there is one. A store that does not answer refuses nobody: the stream was allowed before."""
    facts = facts_of(connection)
    while True:
        await asyncio.sleep(RECHECK_S)
        noted = len(facts.headers)
        try:
            await gateway.authentication.caller(connection)
        except (Unauthenticated, Forbidden) as fault:
            return fault
        except RuntimeFault:
            continue
        finally:
            del facts.headers[noted:]  # the response has begun, and what is added at each look would pile up
