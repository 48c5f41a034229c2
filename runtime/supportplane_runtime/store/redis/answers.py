"""Kept answers on Redis, shared by all processes that work on an agent's turns. Without Redis none is kept."""

from supportplane_runtime.store.interfaces.answers import MAX_BYTES, TTL_S, place_of
from supportplane_runtime.store.redis.limits import KEY_PREFIX
from supportplane_runtime.store.redis.link import RedisLink

NAME_BYTES = 32


class RedisKeptAnswers:
    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def find(self, tenant: str, agent: str, name: bytes) -> bytes | None:
        key = _key(tenant, agent, name)
        found = await self._link.call(lambda: self._link.client.get(key))
        if not isinstance(found, bytes) or found[:NAME_BYTES] != name:
            return None
        return found[NAME_BYTES:]

    async def keep(self, tenant: str, agent: str, name: bytes, value: bytes) -> None:
        if len(value) <= MAX_BYTES:
            key = _key(tenant, agent, name)
            await self._link.call(lambda: self._link.client.set(key, name + value, ex=TTL_S))

    async def end(self, tenant: str, agent: str, place: bytes) -> None:
        key = _key(tenant, agent, place)
        await self._link.call(lambda: self._link.client.delete(key))


def _key(tenant: str, agent: str, name: bytes) -> str:
    return f"{KEY_PREFIX}:answers:{tenant}/{agent}/{place_of(name)}"
