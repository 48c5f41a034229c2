import pytest

from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.store import key_cache
from supportplane_runtime.store.interfaces.keys import ApiKey, KeyKind, Keys
from supportplane_runtime.store.key_cache import TTL_S, CachedKeys
from supportplane_runtime.store.memory.keys import MemoryKeys
from supportplane_runtime.store.memory.store import MemoryStore


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class CountingKeys(MemoryKeys):
    """Keys in memory that tell how often they were asked."""

    def __init__(self, keys: MemoryKeys) -> None:
        super().__init__(keys._state)
        self.asked = 0

    async def lookup(self, plain: str) -> ApiKey | None:
        self.asked += 1
        return await super().lookup(plain)


def cached() -> tuple[CachedKeys, CountingKeys, Clock]:
    keys, clock = CountingKeys(MemoryStore().keys), Clock()
    return CachedKeys(keys, clock=clock), keys, clock


async def new_key(keys: Keys) -> tuple[ApiKey, str]:
    return await keys.create("acme", "k", kind=KeyKind.SECRET, scopes=frozenset(Scope), origins=())


async def test_a_found_key_is_asked_for_once_within_its_time() -> None:
    cache, keys, clock = cached()
    key, plain = await new_key(cache)

    for _ in range(5):
        found = await cache.lookup(plain)
        assert found is not None
        assert found.key_id == key.key_id
        clock.now += TTL_S / 6

    assert keys.asked == 1


async def test_a_key_that_another_process_revoked_is_refused_after_its_time() -> None:
    cache, keys, clock = cached()
    key, plain = await new_key(cache)
    assert await cache.lookup(plain) is not None

    await keys.revoke("acme", key.key_id)
    clock.now += TTL_S

    assert await cache.lookup(plain) is None
    assert TTL_S <= 5


async def test_a_key_revoked_here_is_refused_at_once_and_others_stay() -> None:
    cache, keys, _ = cached()
    key, plain = await new_key(cache)
    _, other = await new_key(cache)
    await cache.lookup(plain)
    await cache.lookup(other)

    await cache.revoke("acme", key.key_id)

    assert await cache.lookup(plain) is None
    assert await cache.lookup(other) is not None
    assert keys.asked == 3


async def test_unknown_keys_are_not_remembered() -> None:
    cache, keys, _ = cached()

    for _ in range(3):
        assert await cache.lookup("sk_unknown") is None

    assert keys.asked == 3
    assert not cache._found


async def test_the_plain_text_is_not_kept() -> None:
    cache, _, _ = cached()
    _, plain = await new_key(cache)

    await cache.lookup(plain)

    assert plain not in repr(vars(cache))


async def test_no_more_than_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    cache, _, _ = cached()
    plains = [(await new_key(cache))[1] for _ in range(4)]
    monkeypatch.setattr(key_cache, "MAX_KEYS", 3)

    for plain in plains:
        await cache.lookup(plain)

    assert len(cache._found) == 3
