"""Where credentials stand in a request, and what happens before they are looked up in the store."""

from fastapi.requests import HTTPConnection

from supportplane_runtime.gateway.connections.places import giving_way
from supportplane_runtime.gateway.facts import facts_of
from supportplane_runtime.gateway.limits.tarpit import Tarpit

SUBPROTOCOL = "supportplane"  # what a browser's WebSocket offers beside the credentials that it can't put in a header


def subprotocol_value(connection: HTTPConnection, prefix: str) -> str | None:
    offered: list[str] = connection.scope.get("subprotocols", [])
    return next((value.removeprefix(prefix) for value in offered if value.startswith(prefix)), None)


async def before_lookup(tarpit: Tarpit, connection: HTTPConnection, secret: str) -> None:
    """Waits where the source of the request is slowed down. Meanwhile its connection may be given up for another."""
    with giving_way(connection.scope):
        await tarpit.before_lookup(facts_of(connection).peer.source, secret)
