from datetime import timedelta

import httpx2
from prometheus_client import REGISTRY

from runtime_gateway_stand_in import ORIGIN, make_gateway
from supportplane_runtime.store.interfaces import Limit
from supportplane_runtime.store.memory import memory_rate_limiter

PATH = "/api/v1/conversations"


# The memory's windows begin at fixed times, and no test is to meet the edge of one.
WINDOW = timedelta(days=1)


def three_a_day() -> dict[str, Limit]:
    return {"APIKey": Limit(3, WINDOW)}


def decisions(decision: str) -> float:
    return REGISTRY.get_sample_value("supportplane_limit_decisions_total", {"decision": decision}) or 0


async def test_each_response_says_what_is_left_and_the_limit_is_a_429() -> None:
    allowed, refused = decisions("allowed"), decisions("refused")
    async with (
        make_gateway(limiter=memory_rate_limiter(three_a_day())) as gateway,
        gateway.client(**gateway.key.headers) as client,
    ):
        replies = [await client.get(PATH) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert [reply.headers["ratelimit"].split(";t=")[0] for reply in replies] == [
        f'"APIKey";r={left}' for left in (2, 1, 0, 0)
    ]
    assert {reply.headers["ratelimit-policy"] for reply in replies} == {'"APIKey";q=3'}
    assert replies[-1].json()["code"] == "rate-limited"
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 2 * WINDOW.total_seconds()
    assert (decisions("allowed"), decisions("refused")) == (allowed + 3, refused + 1)


async def test_keys_and_tenants_have_limits_of_their_own() -> None:
    async with make_gateway(limiter=memory_rate_limiter(three_a_day())) as gateway:
        for key in (gateway.key, gateway.other_key, await gateway.make_key()):
            async with gateway.client(**key.headers) as client:
                assert [(await client.get(PATH)).status_code for _ in range(4)] == [200, 200, 200, 429]


async def test_visitors_of_one_widget_share_its_limit_and_making_visitors_counts() -> None:
    async with (
        make_gateway(limiter=memory_rate_limiter(three_a_day())) as gateway,
        gateway.client(origin=ORIGIN, **gateway.widget_key.headers) as client,
    ):
        statuses = [(await client.post("/api/v1/visitors")).status_code for _ in range(4)]
    assert statuses == [201, 201, 201, 429]


async def test_a_refused_request_is_not_parsed_and_asks_nothing() -> None:
    async with make_gateway(limiter=memory_rate_limiter({"APIKey": Limit(1, WINDOW)})) as gateway:
        async with gateway.client(**gateway.key.headers) as client:
            replies = [await ask(client) for _ in range(2)]
        assert [reply.status_code for reply in replies] == [200, 429]
        assert len(gateway.turns.logs) == 1


async def ask(client: httpx2.AsyncClient) -> httpx2.Response:
    return await client.post("/api/v1/query", json={"query": "Hello?", "user_id": "u"})


async def test_strangers_are_not_counted_against_anyone() -> None:
    before = decisions("allowed")
    async with make_gateway() as gateway, gateway.client() as client:
        for _ in range(5):
            assert (await client.get(PATH)).status_code == 401
    assert decisions("allowed") == before
