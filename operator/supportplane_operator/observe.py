"""The only reader: what is known of one object, gathered once into a frozen snapshot.

Nearly everything comes from memory (``cache``, filled by watches; the last answers of ``runtime_status``). Two things
are asked of the API server when they are needed, and not more often than every few seconds: ConfigMaps that knowledge
is read from, and Warning events of pods that do not become ready. ``reconcile`` calls it; it decides nothing.
"""

import hashlib
import time
from calendar import timegm
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2
import orjson
from lightkube import ApiError, AsyncClient

from supportplane_crds import KnowledgeBase, ModelEndpoint, SupportAgent, names
from supportplane_crds.runtime_status import Part
from supportplane_crds.support_agent_class import SupportAgentClass
from supportplane_operator.cache import Cache, Key, key_of
from supportplane_operator.checks.pods import is_well
from supportplane_operator.cluster import status_code, understood
from supportplane_operator.parse import Kind, Unusable, parse
from supportplane_operator.references import References
from supportplane_operator.resources import CONFIG_MAP, ENDPOINT_SLICE, EVENT, typed
from supportplane_operator.runtime_status import StatusReader
from supportplane_operator.snapshot import BaseSnapshot, ChildKey, EndpointSnapshot, Manifest, Snapshot, Unread

FRESH_S = 5.0  # what was asked of the API server is believed for this long
UNREADY_S = 5.0  # a pod that is not ready for longer may have an event that says why
MOST_PODS = 4  # whose events are asked for: one of each role tells what is wrong
MOST_EVENTS = 50  # of a pod; a guess, and a bound for a pod that has thousands
Value = TypeVar("Value")
_ConfigMap, _Event, _EndpointSlice = typed(CONFIG_MAP), typed(EVENT), typed(ENDPOINT_SLICE)


@dataclass
class Observer:
    """Reads for one process. capabilities: which optional APIs the cluster has now."""

    client: AsyncClient
    cache: Cache
    references: References
    capabilities: Callable[[], frozenset[str]]
    reports: StatusReader | None = None
    _recent: dict[object, tuple[float, Any]] = field(default_factory=dict)

    def raw(self, key: Key) -> Manifest | None:
        return self.cache.get(key)

    async def agent(self, raw: Manifest) -> Snapshot:
        """Raises Unusable for an agent of another version of the contract."""
        key, agent = key_of(raw), parse(SupportAgent, raw)
        model = agent.spec.template.model
        unread: list[Unread] = []
        bases = [self._companion(KnowledgeBase, key, each.name, unread) for each in agent.spec.template.knowledge]
        present = tuple(each for each in bases if each is not None)
        children, pods = _divided(self.cache.owned_by(key))
        report, silence = self.reports.answer(key) if self.reports else (None, None)
        return Snapshot(
            agent=agent,
            raw=raw,
            agent_class=self._class(agent, unread),
            endpoint=self._companion(ModelEndpoint, key, model.model_ref.name, unread),
            judge=self._companion(ModelEndpoint, key, model.judge_ref.name, unread) if model.judge_ref else None,
            bases=present,
            children=children,
            pods=pods,
            capabilities=self.capabilities(),
            runtime=report,
            runtime_error=silence,
            unread=tuple(unread),
            sources=await self._sources(key.namespace, present),
            events=await self._events(key.namespace, pods),
        )

    async def endpoint(self, raw: Manifest) -> EndpointSnapshot:
        """Whether the model answers is what the agents that use it say. Raises Unusable."""
        key, endpoint = key_of(raw), parse(ModelEndpoint, raw)
        children, pods = _divided(self.cache.owned_by(key))
        answered, detail = self._heard_of(key)
        return EndpointSnapshot(endpoint, raw, children, pods, answered, detail, self._image_for(key))

    async def base(self, raw: Manifest) -> BaseSnapshot:
        """Raises Unusable."""
        key, base = key_of(raw), parse(KnowledgeBase, raw)
        agents = (self.cache.get(each) for each in sorted(self.references.users(key)))
        sources = await self._sources(key.namespace, (base,))
        return BaseSnapshot(base, raw, tuple(each for each in agents if each is not None), sources)

    async def gateway_addresses(self, agent: Key) -> list[str]:
        """host:port of every pod behind the agent's gateway, ready ones first. Empty when the API server does not say.

        One that is not ready knows best what it lacks.
        """
        selector: dict[str, Any] = {"kubernetes.io/service-name": names.gateway(agent.name)}
        try:
            slices = [
                each async for each in self.client.list(_EndpointSlice, namespace=agent.namespace, labels=selector)
            ]
        except httpx2.HTTPError:  # refused, or the API server is away
            return []
        return [address for each in slices for address in _addresses(each)]

    def _companion(self, model: type[Kind], agent: Key, name: str, unread: list[Unread]) -> Kind | None:
        return self._parsed(model, Key(model.__name__, agent.namespace, name), unread)

    def _class(self, agent: SupportAgent, unread: list[Unread]) -> SupportAgentClass | None:
        named = agent.spec.class_ref
        return self._parsed(SupportAgentClass, Key("SupportAgentClass", "", named.name), unread) if named else None

    def _parsed(self, model: type[Kind], key: Key, unread: list[Unread]) -> Kind | None:
        """None for an object that is not there, or that is not understood: then ``unread`` says why."""
        raw = self.cache.get(key)
        if raw is None or "deletionTimestamp" in raw["metadata"]:
            return None
        try:
            return parse(model, raw)
        except Unusable as reason:
            unread.append(Unread(key.kind, key.name, reason.sentence, reason.is_unknown))
            return None

    def _heard_of(self, endpoint: Key) -> tuple[bool | None, str]:
        """The best that any agent says of its model; nothing while none knows."""
        heard = [part for agent in sorted(self.references.users(endpoint)) for part in self._model_of(agent)]
        chosen = next((part for ok in (True, False, None) for part in heard if part.ok is ok), None)
        return (None, "") if chosen is None else (chosen.ok, chosen.detail)

    def _model_of(self, agent: Key) -> Iterable[Part]:
        report = self.reports.answer(agent)[0] if self.reports else None
        part = report.part("model") if report else None
        return () if part is None else (part,)

    def _image_for(self, endpoint: Key) -> str | None:
        """From the class of the first agent, by name, that uses the endpoint and has one with an image."""
        for agent in sorted(self.references.users(endpoint)):
            for used in self.references.used_by(agent):
                found = self._parsed(SupportAgentClass, used, []) if used.kind == "SupportAgentClass" else None
                if found is not None and found.spec.images.runtime:
                    return found.spec.images.runtime
        return None

    async def _sources(self, namespace: str, bases: Iterable[KnowledgeBase]) -> dict[ChildKey, str | None]:
        wanted = {source.config_map.name for base in bases for source in base.spec.sources if source.config_map}
        return {(CONFIG_MAP.kind, name): await self._digest(namespace, name) for name in sorted(wanted)}

    async def _digest(self, namespace: str, name: str) -> str | None:
        async def read() -> str | None:
            try:
                found = await self.client.get(_ConfigMap, name, namespace=namespace)
            except ApiError as error:
                if status_code(error) == 404:
                    return None
                with understood(CONFIG_MAP.kind, name):
                    raise
            contents = [found.get("data") or {}, found.get("binaryData") or {}]
            return hashlib.sha256(orjson.dumps(contents, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]

        return await self._lately((CONFIG_MAP.kind, namespace, name), read)

    async def _events(self, namespace: str, pods: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
        waiting = [pod["metadata"]["name"] for pod in pods if not is_well(pod) and _age_s(pod) > UNREADY_S]
        found = [await self._events_of(namespace, name) for name in sorted(waiting)[:MOST_PODS]]
        return tuple(event for events in found for event in events)

    async def _events_of(self, namespace: str, pod: str) -> list[Manifest]:
        async def read() -> list[Manifest]:
            fields: Any = {"involvedObject.kind": "Pod", "involvedObject.name": pod, "type": "Warning"}
            listing = self.client.list(_Event, namespace=namespace, fields=fields, chunk_size=MOST_EVENTS)
            return [dict(each) async for each in _first(listing, MOST_EVENTS)]

        with understood(EVENT.kind, namespace):
            return await self._lately((EVENT.kind, namespace, pod), read)

    async def _lately(self, what: object, read: Callable[[], Awaitable[Value]]) -> Value:
        now = time.monotonic()
        asked_at, value = self._recent.get(what, (-FRESH_S, None))
        if now - asked_at >= FRESH_S:
            value = await read()
            self._recent = {key: each for key, each in self._recent.items() if now - each[0] < FRESH_S}
            self._recent[what] = (now, value)
        found: Value = value
        return found


async def _first(found: AsyncIterable[Value], most: int) -> AsyncIterator[Value]:
    """The rest of a long list is not asked for."""
    count = 0
    async for each in found:
        yield each
        count += 1
        if count >= most:
            return


def _divided(owned: Iterable[Manifest]) -> tuple[dict[ChildKey, Manifest], tuple[Manifest, ...]]:
    """Children, and the pods that Kubernetes made for them."""
    children: dict[ChildKey, Manifest] = {}
    pods: list[Manifest] = []
    for each in owned:
        if each["kind"] == "Pod":
            pods.append(each)
        else:
            children[each["kind"], each["metadata"]["name"]] = each
    return children, tuple(pods)


def _age_s(pod: Manifest) -> float:
    made = time.strptime(pod["metadata"]["creationTimestamp"], "%Y-%m-%dT%H:%M:%SZ")
    return time.time() - timegm(made)


def _addresses(endpoint_slice: Manifest) -> list[str]:
    """IPv6 in brackets. A slice without a port of the gateway has nobody to ask."""
    ports = [each.get("port") for each in endpoint_slice.get("ports") or () if each.get("name") == names.PORT_NAME]
    endpoints = sorted(endpoint_slice.get("endpoints") or (), key=lambda each: not _is_ready_endpoint(each))
    hosts = [address for each in endpoints for address in each.get("addresses") or ()]
    return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for port in ports[:1] if port for host in hosts]


def _is_ready_endpoint(endpoint: Manifest) -> bool:
    return (endpoint.get("conditions") or {}).get("ready") is not False
