"""API keys in memory: digests only, as in the database."""

from collections.abc import Sequence
from dataclasses import replace

from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.errors import Conflict, NotFound
from supportplane_runtime.store.credentials import digest, key_id_of, mint_key, parse_key, same_digest, secret_key
from supportplane_runtime.store.interfaces.keys import ApiKey, KeyKind
from supportplane_runtime.store.memory.state import State
from supportplane_runtime.store.rules.keys import ensure_key_name, replaces


class MemoryKeys:
    def __init__(self, state: State) -> None:
        self._state = state

    async def create(
        self, tenant: str, name: str, *, kind: KeyKind, scopes: frozenset[Scope], origins: Sequence[str]
    ) -> tuple[ApiKey, str]:
        plain = mint_key(kind)
        key = ApiKey(
            key_id=key_id_of(plain),
            tenant=tenant,
            name=ensure_key_name(name),
            kind=kind,
            scopes=scopes,
            origins=tuple(origins),
            created_at=self._state.clock(),
            last_used_at=None,
            revoked_at=None,
        )
        self._state.keys[tenant, key.key_id] = (key, digest(plain))
        return key, plain

    async def lookup(self, plain: str) -> ApiKey | None:
        presented = parse_key(plain)
        if presented is None:
            return None
        for place, (key, stored) in self._state.keys.items():
            if key.key_id == presented.key_id and same_digest(stored, presented.digest) and key.revoked_at is None:
                used = replace(key, last_used_at=key.last_used_at or self._state.clock())
                self._state.keys[place] = (used, stored)
                return used
        return None

    async def adopt(self, tenant: str, name: str, plain: str, *, scopes: frozenset[Scope], agent: str) -> ApiKey:
        presented, now = secret_key(plain), self._state.clock()
        key = ApiKey(
            presented.key_id, tenant, ensure_key_name(name), KeyKind.SECRET, scopes, (), now, None, None, agent
        )
        for (owner, key_id), (known, stored) in self._state.keys.items():
            if key_id == presented.key_id:
                if (owner, stored, known.agent) != (tenant, presented.digest, agent):
                    raise Conflict(f"The key {key_id} is known from elsewhere.")
                key = replace(known, name=name, revoked_at=None)
        self._state.keys[tenant, key.key_id] = (key, presented.digest)
        return key

    async def has_replaced(self, tenant: str, key_id: str, before: str) -> bool:
        newer, older = self._state.keys.get((tenant, key_id)), self._state.keys.get((tenant, before))
        return newer is not None and older is not None and replaces(newer[0], older[0])

    async def listing(self, tenant: str) -> list[ApiKey]:
        return [key for key, _ in self._state.keys.values() if key.tenant == tenant]

    async def revoke(self, tenant: str, key_id: str) -> ApiKey:
        found = self._state.keys.get((tenant, key_id))
        if found is None:
            raise NotFound(f"There is no key {key_id}.")
        key, stored = found
        revoked = replace(key, revoked_at=key.revoked_at or self._state.clock())
        self._state.keys[tenant, key_id] = (revoked, stored)
        return revoked
