"""What is asked of the API server itself; everything else of a snapshot comes from memory, as integration tests see."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

import httpx2
from lightkube import AsyncClient

from support.operator.samples import raw, snapshot
from supportplane_operator.cache import Cache, Key
from supportplane_operator.observe import MOST_EVENTS, MOST_PODS, Observer
from supportplane_operator.references import References
from supportplane_operator.snapshot import Manifest

AGENT = Key("SupportAgent", "acme", "helpdesk")


@dataclass
class Server:
    """Lists of events that never end, or nobody at all."""

    is_away: bool = False
    asked: list[str] = field(default_factory=list)
    sent: int = 0

    async def list(self, _: Any, **asked: Any) -> AsyncIterator[Manifest]:
        if self.is_away:
            raise httpx2.ConnectError("connection refused")
        self.asked.append(asked["fields"]["involvedObject.name"])
        for number in count():
            self.sent += 1
            yield {"involvedObject": {"name": self.asked[-1]}, "message": f"event {number}"}


def observer(server: Server, *objects: Manifest) -> Observer:
    cache = Cache()
    for each in objects:
        cache.put(each)
    return Observer(cast("AsyncClient", server), cache, References(), frozenset)


def waiting_pod(number: int) -> Manifest:
    labels = {"supportplane.io/agent": "helpdesk"}
    metadata = {
        "name": f"helpdesk-{number:03}",
        "namespace": "acme",
        "labels": labels,
        "resourceVersion": "1",
        "creationTimestamp": "2020-01-01T00:00:00Z",
    }
    return {"kind": "Pod", "metadata": metadata, "status": {"phase": "Pending"}}


async def test_thousands_of_events_and_pods_are_not_all_read() -> None:
    server = Server()
    found = await observer(server, *(waiting_pod(number) for number in range(500))).agent(raw(snapshot().agent))
    assert server.asked == [f"helpdesk-{number:03}" for number in range(MOST_PODS)]
    assert len(found.events) == server.sent == MOST_PODS * MOST_EVENTS


async def test_while_the_api_server_is_away_there_is_no_pod_to_be_asked() -> None:
    assert await observer(Server(is_away=True)).gateway_addresses(AGENT) == []
