"""The operator's parts, wired as ``main`` wires them, on an API server in memory: for tests that take no servers.

The client is the real one and speaks HTTP. What users do goes to the server directly, which is quicker. Nothing runs by
itself: a test says when the operator looks (``look``) and what it reconciles.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx2
from lightkube import AsyncClient, KubeConfig

from support.api_server.operations import Author
from support.api_server.serving import ApiServer, running_api_server
from support.api_server.storage import Object, Place
from support.operator.samples import AGENT, BASE, ENDPOINT, SETTINGS, document, merged
from supportplane_crds.names import FIELD_MANAGER, LABEL_MANAGED_BY, MANAGED_BY
from supportplane_operator.apply import Writer
from supportplane_operator.cache import Cache, Key
from supportplane_operator.cluster import transport
from supportplane_operator.kinds import OwnKinds
from supportplane_operator.metrics import Metrics
from supportplane_operator.observe import Observer
from supportplane_operator.queue import KeyQueue
from supportplane_operator.reconcile import Outcome, Reconciler
from supportplane_operator.references import References
from supportplane_operator.resources import BY_KIND, CHILDREN
from supportplane_operator.resync import Resync
from supportplane_operator.watch import EVERYWHERE, Scope, Watch
from supportplane_operator.work import Workers

NAMESPACE = "acme"
AGENT_KEY = Key("SupportAgent", NAMESPACE, "helpdesk")
USER = Author("kubectl")


class OperatorInMemory:
    """leads: whether the replica holds the Lease. now: the time that a status is written with."""

    def __init__(self, server: ApiServer, client: AsyncClient) -> None:
        self.server = server
        self.client = client
        self.leads = True
        self.now = datetime.now(UTC)
        self.metrics = Metrics()
        self.queue = KeyQueue()
        self.cache = Cache()
        self.references = References()
        self.own = OwnKinds(self.cache, self.references, self.queue.add)
        self.resync = Resync(client, (EVERYWHERE,), self.own, self.cache)
        observer = Observer(client, self.cache, self.references, frozenset)
        self.writer = Writer(client, self.cache, self.metrics, lambda: self.leads)
        self.reconciler = Reconciler(observer, self.writer, SETTINGS, None, lambda: self.now)
        self.workers = Workers(self.queue, self.reconciler, self.metrics)
        labels: dict[str, Any] = {LABEL_MANAGED_BY: MANAGED_BY}
        self._watches = [
            Watch(
                client, Scope(each, EVERYWHERE, labels), cache=self.cache, changed=self.queue.add, metrics=self.metrics
            )
            for each in CHILDREN
            if not each.is_optional
        ]

    # The operator

    async def look(self) -> None:
        """What watches and resync would have told by now."""
        await self.resync.once()
        await asyncio.gather(*(each._list() for each in self._watches))

    async def reconcile(self, key: Key = AGENT_KEY) -> Outcome:
        """After a look."""
        await self.look()
        return await self.reconciler.reconcile(key)

    @asynccontextmanager
    async def working(self, count: int = 1) -> AsyncIterator[None]:
        """Workers at work."""
        tasks = [asyncio.ensure_future(self.workers.run()) for _ in range(count)]
        try:
            yield
        finally:
            self.workers.stop()
            self.queue.close()
            await asyncio.gather(*tasks)

    def results(self, result: str, kind: str = "SupportAgent") -> float:
        """How many reconciles ended so."""
        count: float = self.metrics.reconciles.labels(kind, result)._value.get()
        return count

    # Users

    def create(self, manifest: Object, by: Author = USER) -> Object:
        place = self._place(manifest["kind"], manifest["metadata"]["name"])
        return self.server.objects.create(place, manifest, by)

    def patch(self, kind: str, name: str, change: Object, *, at: str = "") -> Object:
        """at: status, or the object itself."""
        return self.server.objects.patch(self._place(kind, name), change, Author("kubectl", at))

    def delete(self, kind: str, name: str) -> None:
        self.server.objects.delete(self._place(kind, name))

    def read(self, kind: str, name: str) -> Object | None:
        return self.server.objects.storage.get(self._place(kind, name))

    def run(self, **spec: Any) -> Object:
        """An agent with all that its specification names. spec: more of it."""
        self.create(document("ModelEndpoint", "slm", ENDPOINT))
        self.create(document("KnowledgeBase", "handbook", BASE))
        return self.create(document("SupportAgent", "helpdesk", merged(AGENT, spec)))

    # What there is

    @property
    def children(self) -> dict[tuple[str, str], Object]:
        """What the operator made, by kind and name."""
        return {
            (place.kind.kind, place.name): found
            for place, found in self.server.objects.storage.all()
            if (found["metadata"].get("labels") or {}).get(LABEL_MANAGED_BY) == MANAGED_BY
        }

    def condition(self, kind: str, of: Key = AGENT_KEY) -> Object:
        found = self.read(of.kind, of.name) or {}
        conditions = found.get("status", {}).get("conditions", ())
        return next((each for each in conditions if each["type"] == kind), {})

    @property
    def version(self) -> int:
        """Rises with every write of anybody."""
        return self.server.objects.storage.version

    def _place(self, kind: str, name: str) -> Place:
        resource = BY_KIND[kind]
        found = self.server.objects.kind(resource.group, resource.version, resource.plural)
        return Place(found, NAMESPACE if resource.is_namespaced else "", name)


@asynccontextmanager
async def operator_in_memory() -> AsyncIterator[OperatorInMemory]:
    async with running_api_server(NAMESPACE) as server:
        config = KubeConfig.from_dict(server.kubeconfig()).get()
        assert config is not None
        timeout = httpx2.Timeout(30.0)
        client = AsyncClient(config, field_manager=FIELD_MANAGER, timeout=timeout, transport=transport(config))
        try:
            yield OperatorInMemory(server, client)
        finally:
            await client.close()
