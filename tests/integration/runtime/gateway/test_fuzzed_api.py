"""The API keeps to its document, whoever calls. `scripts/fuzz-api` is the long form of this."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest

from support.gateway.fuzzing import SHORT_EXAMPLES, Fuzzer, fuzz
from support.gateway.scripted_gateway import TestGateway
from supportplane_crds.support_agent import LimitScope
from supportplane_runtime.gateway.limits import tarpit
from supportplane_runtime.store.interfaces.limits import Limit
from supportplane_runtime.store.postgres.store import open_store
from supportplane_runtime.store.redis.limits import RedisRateLimiter
from supportplane_runtime.store.redis.link import RedisLink

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", SHORT_EXAMPLES))
# The short form takes a minute on 2 idle cores, and five on a machine that is ten times too busy.
SECONDS = 850 if EXAMPLES <= SHORT_EXAMPLES else 7000


@pytest.fixture
async def served(
    migrated_database_url: str,
    redis_url: str,
    serve_with: Callable[..., AbstractAsyncContextManager[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Any]:
    """A gateway on a real database and a real Redis, behind its real server. Refused calls are not slowed down."""
    monkeypatch.setattr(tarpit, "ALLOWANCE", 10_000_000)
    store = await open_store(migrated_database_url, pool_size=4)
    link = RedisLink(redis_url)
    limiter = RedisRateLimiter(link, dict.fromkeys(LimitScope, Limit(10_000_000, timedelta(minutes=1))))
    try:
        async with serve_with(store=store, limiter=limiter) as made:
            yield made
    finally:
        await link.close()
        await store.close()


async def nobody(_: TestGateway) -> Fuzzer:
    return Fuzzer()


async def key(gateway: TestGateway) -> Fuzzer:
    return Fuzzer(gateway.key.headers, user="user-42")


async def visitor(gateway: TestGateway) -> Fuzzer:
    return Fuzzer(await gateway.visitor_headers())


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 50)
@pytest.mark.parametrize("become", [nobody, key, visitor], ids=lambda become: become.__name__)
async def test_every_request_is_answered_as_the_document_says(served: Any, become: Any) -> None:
    code, report = await fuzz(served.url, await become(served.gateway), examples=EXAMPLES, seconds=SECONDS)
    print(report)  # noqa: T201 - scripts/fuzz-api shows it
    assert code == 0, report
