"""A list of objects kept up to date: listed once, then watched, listed again whenever the watch cannot go on.

For children and pods, which are selected by label on the API server. kopf watches our own kinds (``listen``); it would
not tell of what was deleted while a watch was broken, and a child that is gone unnoticed would never come back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import structlog
from lightkube import AsyncClient

from supportplane_operator.cache import Cache, Key, key_of, owner_of
from supportplane_operator.cluster import status_code
from supportplane_operator.metrics import Metrics
from supportplane_operator.resources import Resource, typed
from supportplane_operator.snapshot import Manifest

log = structlog.get_logger()
EVERYWHERE = "*"
PAGE = 250  # objects a request; some megabytes of memory at most
SERVER_TIMEOUT_S = 240  # the API server ends a watch after this long; a watch that is silent for longer is dead
FIRST_WAIT_S, LAST_WAIT_S = 0.5, 15.0  # between listings that fail


@dataclass(frozen=True, slots=True)
class Scope:
    """What is watched. namespace: EVERYWHERE or a name."""

    resource: Resource
    namespace: str
    labels: dict[str, Any]

    @property
    def cached_namespace(self) -> str | None:
        return None if self.namespace == EVERYWHERE else self.namespace


class Watch:
    """Fills the cache and says which owner is concerned.

    is_listed: set after the first complete listing. is_served: whether the cluster has the kind.
    """

    def __init__(
        self, client: AsyncClient, scope: Scope, *, cache: Cache, changed: Callable[[Key], None], metrics: Metrics
    ) -> None:
        self._client = client
        self.scope = scope
        self._cache = cache
        self._changed = changed
        self._metrics = metrics
        self._class = typed(scope.resource)
        self.is_listed = asyncio.Event()
        self.is_served = False

    async def run(self) -> None:
        """Never returns. A kind that the cluster does not have yet is asked for again, like an unreachable server."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                version = await self._list()
                wait_s = FIRST_WAIT_S
                await self._follow(version)
            except httpx2.HTTPStatusError as error:
                self._refused(error)
            except (httpx2.HTTPError, TimeoutError) as error:
                log.info("watch_broken", kind=self.scope.resource.kind, error=f"{type(error).__name__}: {error}")
            self._metrics.watch_restarts.labels(self.scope.resource.kind).inc()
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LAST_WAIT_S)

    async def _list(self) -> str:
        """Everything there is; what is no longer there leaves the cache. Returns the version to watch from."""
        listing = self._client.list(
            self._class, namespace=self.scope.namespace, labels=self.scope.labels, chunk_size=PAGE
        )
        present = [self._keep(self._whole(each)) async for each in listing]
        for key in self._cache.missing(self.scope.resource.kind, self.scope.cached_namespace, present):
            self._lose(key)
        self.is_served = True
        self.is_listed.set()
        return listing.resourceVersion

    def _refused(self, error: httpx2.HTTPStatusError) -> None:
        """A version that is too old is a matter of course; a kind that is not there is known to be none from now on."""
        if status_code(error) == 404:
            self.is_served = False
            self.is_listed.set()
            for key in self._cache.keys(self.scope.resource.kind, self.scope.cached_namespace):
                self._lose(key)
        elif status_code(error) != 410:
            log.warning("watch_refused", kind=self.scope.resource.kind, error=str(error))

    async def _follow(self, version: str) -> None:
        events = self._client.watch(
            self._class,
            namespace=self.scope.namespace,
            labels=self.scope.labels,
            resource_version=version,
            server_timeout=SERVER_TIMEOUT_S,
        )
        async for kind, manifest in _alive(aiter(events)):
            if kind == "DELETED":
                self._lose(key_of(self._whole(manifest)))
            else:
                self._keep(self._whole(manifest))

    def _keep(self, manifest: Manifest) -> Key:
        key = key_of(manifest)
        before = self._cache.get(key)
        if self._cache.put(manifest):
            for owner in {owner_of(manifest), owner_of(before) if before else None} - {None}:
                self._tell(owner)
        return key

    def _lose(self, key: Key) -> None:
        before = self._cache.get(key)
        self._cache.drop(key)
        if before is not None:
            self._tell(owner_of(before))

    def _tell(self, owner: Key | None) -> None:
        if owner is not None:
            self._changed(owner)

    def _whole(self, manifest: Manifest) -> Manifest:
        """The API server leaves out of a list what the list itself says."""
        return {**manifest, "apiVersion": self.scope.resource.api_version, "kind": self.scope.resource.kind}


async def _alive(events: AsyncIterator[tuple[str, Any]]) -> AsyncIterator[tuple[str, Any]]:
    """The events, or TimeoutError when the connection is dead without anybody having said so."""
    while True:
        try:
            # Not wait_for: until Python 3.12 it loses a cancellation that comes together with an event.
            async with asyncio.timeout(SERVER_TIMEOUT_S * 1.5):
                event = await anext(events)
        except StopAsyncIteration:
            return
        yield event
