"""A complete listing of our own kinds, at the start and every few minutes: what kopf told, and what it could not.

After a broken watch kopf lists again but does not say what is gone meanwhile; a comparison with the cache does.
"""

import asyncio
from collections.abc import Iterable

import httpx2
import structlog
from lightkube import AsyncClient

from supportplane_operator.cache import Cache, Key, key_of
from supportplane_operator.kinds import OwnKinds
from supportplane_operator.resources import OWN_KINDS, Resource, typed, typed_global
from supportplane_operator.watch import EVERYWHERE, PAGE

log = structlog.get_logger()
RETRY_S = 2.0


class Resync:
    """is_done: whether there was a complete listing since the start."""

    def __init__(self, client: AsyncClient, namespaces: Iterable[str], own: OwnKinds, cache: Cache) -> None:
        self._client = client
        self._namespaces = tuple(namespaces)
        self._own = own
        self._cache = cache
        self.is_done = False

    async def once(self) -> None:
        """Returns after a complete listing, however long the API server is away."""
        while True:
            try:
                for resource in OWN_KINDS:
                    await self._kind(resource)
            except httpx2.HTTPError as error:
                log.warning("resync_failed", error=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                self.is_done = True
                return

    async def _kind(self, resource: Resource) -> None:
        for namespace in self._namespaces if resource.is_namespaced else (EVERYWHERE,):
            known = set(self._cache.keys(resource.kind, None if namespace == EVERYWHERE else namespace))
            present = await self._list(resource, namespace)
            for key in known - present:
                self._own.gone(key)

    async def _list(self, resource: Resource, namespace: str) -> set[Key]:
        """Known is taken before: what is created while the listing runs must not look deleted."""
        present: set[Key] = set()
        listing = (
            self._client.list(typed(resource), namespace=namespace, chunk_size=PAGE)
            if resource.is_namespaced
            else self._client.list(typed_global(resource), chunk_size=PAGE)
        )
        async for each in listing:
            manifest = {**each, "apiVersion": resource.api_version, "kind": resource.kind}
            present.add(key_of(manifest))
            self._own.seen(manifest)
        return present
