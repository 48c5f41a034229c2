"""What is learned about a request while it is handled, carried in its ASGI scope for the audit and the response.

Made by http/observation.py, the outermost layer; authentication, limits and endpoints add to it; never message content.
"""

from dataclasses import dataclass, field
from uuid import UUID

from fastapi.requests import HTTPConnection
from starlette.types import Scope

from supportplane_runtime.domain.identity import Caller
from supportplane_runtime.gateway.connections.peers import Peer

SCOPE_KEY = "supportplane.facts"
GONE = 499  # the client left before there was a response; nginx's number, never sent


@dataclass(slots=True)
class RequestFacts:
    """``headers`` are added to the response, ``ids`` go to the audit under their names, ``status`` is what was sent."""

    request_id: str
    peer: Peer
    caller: Caller | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    status: int = GONE

    def note(self, **ids: UUID | str | None) -> None:
        self.ids.update({name: str(value) for name, value in ids.items() if value is not None})


def facts_of(connection: HTTPConnection) -> RequestFacts:
    facts = connection.scope[SCOPE_KEY]
    assert isinstance(facts, RequestFacts)  # noqa: S101 - set by http/observation.py on every request
    return facts


def attach_facts(scope: Scope, facts: RequestFacts) -> None:
    scope[SCOPE_KEY] = facts
