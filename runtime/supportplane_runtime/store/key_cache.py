"""API keys remembered for a few seconds, so that a request seldom asks the database who it is from.

Only keys that were found are remembered: a new key works at once, and guesses fill no memory. A key revoked here is
forgotten at once, one revoked by another process after ``TTL_S``.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.store.credentials import digest
from supportplane_runtime.store.interfaces.keys import ApiKey, KeyKind, Keys

TTL_S = 5.0  # a revoked key may still act for this long
MAX_KEYS = 10_000  # about 5 MB; the oldest go first


class CachedKeys:
    """Keys over Keys. clock: seconds that never jump."""

    def __init__(self, keys: Keys, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._clock = clock
        self._found: OrderedDict[bytes, tuple[float, ApiKey]] = OrderedDict()

    async def create(
        self, tenant: str, name: str, *, kind: KeyKind, scopes: frozenset[Scope], origins: Sequence[str]
    ) -> tuple[ApiKey, str]:
        return await self._keys.create(tenant, name, kind=kind, scopes=scopes, origins=origins)

    async def adopt(self, tenant: str, name: str, plain: str, *, scopes: frozenset[Scope], agent: str) -> ApiKey:
        return await self._keys.adopt(tenant, name, plain, scopes=scopes, agent=agent)

    async def lookup(self, plain: str) -> ApiKey | None:
        name = digest(plain)  # never the plain text: it would stay in memory
        found = self._found.get(name)
        if found is not None and self._clock() < found[0]:
            return found[1]
        asked_at = self._clock()
        key = await self._keys.lookup(plain)
        self._remember(name, key, until=asked_at + TTL_S)
        return key

    async def has_replaced(self, tenant: str, key_id: str, before: str) -> bool:
        return await self._keys.has_replaced(tenant, key_id, before)

    async def listing(self, tenant: str) -> list[ApiKey]:
        return await self._keys.listing(tenant)

    async def revoke(self, tenant: str, key_id: str) -> ApiKey:
        revoked = await self._keys.revoke(tenant, key_id)
        for name, (_, key) in list(self._found.items()):
            if (key.tenant, key.key_id) == (tenant, key_id):
                del self._found[name]
        return revoked

    def _remember(self, name: bytes, key: ApiKey | None, *, until: float) -> None:
        self._found.pop(name, None)
        if key is None:
            return
        self._found[name] = (until, key)
        if len(self._found) > MAX_KEYS:
            self._found.popitem(last=False)
