from datetime import timedelta
from typing import Any

import httpx2
from prometheus_client import REGISTRY

from support.gateway.scripted_gateway import ORIGIN, limits, make_gateway
from supportplane_runtime.gateway.limits.counting import FREE_OF_ADDRESS
from supportplane_runtime.store.interfaces.limits import Limit, RateLimiter
from supportplane_runtime.store.memory.limits import memory_rate_limiter

PATH = "/api/v1/conversations"


def limiter(**requests: int) -> RateLimiter:
    return memory_rate_limiter(limits(**requests))


def decisions(decision: str, scope: str = "APIKey") -> float:
    labels = {"scope": scope, "decision": decision}
    return REGISTRY.get_sample_value("supportplane_limit_decisions_total", labels) or 0


async def test_each_response_says_what_is_left_and_the_limit_is_a_429() -> None:
    allowed, refused = decisions("allowed"), decisions("refused")
    async with (
        make_gateway(limiter=limiter(APIKey=3)) as gateway,
        gateway.client(**gateway.key.headers) as client,
    ):
        replies = [await client.get(PATH) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert [reply.headers["ratelimit"].split(";t=")[0] for reply in replies] == [
        f'"APIKey";r={left}' for left in (2, 1, 0, 0)
    ]
    assert {reply.headers["ratelimit-policy"] for reply in replies} == {'"APIKey";q=3;w=86400'}
    wait = replies[-1].headers["retry-after"]
    problem = replies[-1].json()
    assert (problem["code"], problem["scope"]) == ("rate-limited", "APIKey")
    assert problem["detail"] == f"This key may send 3 requests in 86400 seconds. Wait {wait} seconds."
    assert (decisions("allowed"), decisions("refused")) == (allowed + 3, refused + 1)


async def test_keys_and_tenants_have_limits_of_their_own() -> None:
    async with make_gateway(limiter=limiter(APIKey=3)) as gateway:
        for key in (gateway.key, gateway.other_key, await gateway.make_key()):
            async with gateway.client(**key.headers) as client:
                assert [(await client.get(PATH)).status_code for _ in range(4)] == [200, 200, 200, 429]


async def statuses(client: httpx2.AsyncClient, count: int, **headers: str) -> list[int]:
    return [(await client.get(PATH, headers=headers)).status_code for _ in range(count)]


async def test_each_visitor_of_a_website_is_limited_for_itself() -> None:
    async with make_gateway(limiter=limiter(APIKey=1, User=3)) as gateway, gateway.client() as client:
        busy, quiet = [await gateway.visitor_headers() for _ in range(2)]
        assert await statuses(client, 4, **busy) == [200, 200, 200, 429]
        refused = await client.get(PATH, headers=busy)
        assert (await client.get(PATH, headers=quiet)).status_code == 200
    assert refused.json()["scope"] == "User"
    assert refused.json()["detail"].startswith("This visitor may send 3 requests in 86400 seconds. Wait ")


async def test_a_user_of_the_chat_page_is_limited_like_a_visitor() -> None:
    async with make_gateway(limiter=limiter(User=2)) as gateway, gateway.client() as client:
        cookie = await gateway.session_cookie()
        assert await statuses(client, 3, **cookie) == [200, 200, 429]
        refused = await client.get(PATH, headers=cookie)
    assert refused.json()["detail"].startswith("This user may send 2 requests in 86400 seconds. Wait ")


async def test_an_address_counts_its_visitors_beyond_the_first_requests_of_each() -> None:
    async with make_gateway(limiter=limiter(IP=2)) as gateway, gateway.client() as client:
        busy, quiet = [await gateway.visitor_headers() for _ in range(2)]
        assert await statuses(client, FREE_OF_ADDRESS + 3, **busy) == [200] * (FREE_OF_ADDRESS + 2) + [429]
        refused = await client.get(PATH, headers=busy)
        assert await statuses(client, FREE_OF_ADDRESS + 1, **quiet) == [200] * FREE_OF_ADDRESS + [429]
    assert refused.json()["scope"] == "IP"
    assert refused.headers["ratelimit-policy"] == '"User";q=1000000;w=86400, "IP";q=2;w=86400'
    assert refused.headers["ratelimit"].startswith('"User";r=')
    assert '"IP";r=0;t=' in refused.headers["ratelimit"]


async def test_what_a_visitors_own_limit_refuses_takes_nothing_from_its_address() -> None:
    async with make_gateway(limiter=limiter(User=FREE_OF_ADDRESS + 1, IP=2)) as gateway, gateway.client() as client:
        busy, other = [await gateway.visitor_headers() for _ in range(2)]
        await statuses(client, 20, **busy)
        assert await statuses(client, FREE_OF_ADDRESS + 1, **other) == [200] * (FREE_OF_ADDRESS + 1)


async def trusting(parts: dict[str, Any]) -> None:
    parts["trusted_proxies"] = ("127.0.0.0/8",)


async def test_addresses_behind_a_trusted_proxy_are_counted_apart_and_the_proxy_is_not() -> None:
    allowed = FREE_OF_ADDRESS + 1
    async with (
        make_gateway(limiter=limiter(IP=1), change_parts=trusting) as gateway,
        gateway.client() as client,
    ):
        visitor = await gateway.visitor_headers()
        for address in ("198.51.100.1", "198.51.100.2"):
            headers = await gateway.visitor_headers() | {"x-forwarded-for": address}
            assert await statuses(client, allowed + 1, **headers) == [200] * allowed + [429]
        assert await statuses(client, allowed + 5, **visitor) == [200] * (allowed + 5)


async def few_visitors(parts: dict[str, Any]) -> None:
    parts["new_visitors"] = Limit(2, timedelta(days=1))


async def test_visitors_made_without_end_are_refused_with_the_address_named_and_known_ones_go_on() -> None:
    async with (
        make_gateway(change_parts=few_visitors) as gateway,
        gateway.client(origin=ORIGIN, **gateway.widget_key.headers) as client,
    ):
        replies = [await client.post("/api/v1/visitors") for _ in range(3)]
        known = {"x-visitor-token": replies[0].json()["visitor_token"]}
        assert (await client.get(PATH, headers=known)).status_code == 200
    assert [reply.status_code for reply in replies] == [201, 201, 429]
    problem = replies[-1].json()
    wait = replies[-1].headers["retry-after"]
    assert problem["scope"] == "NewVisitor"
    assert problem["detail"] == f"This address may make 2 new visitors in 86400 seconds. Wait {wait} seconds."


async def test_a_refused_request_is_not_parsed_and_asks_nothing() -> None:
    async with make_gateway(limiter=limiter(APIKey=1)) as gateway:
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
