from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from support.gateway.scripted_gateway import TestGateway, make_gateway

PATH = "/api/v1/conversations"
OWN = "http://127.0.0.1:8080"


async def get(gateway: TestGateway, path: str = PATH, **headers: str) -> httpx2.Response:
    async with gateway.client(**{name.replace("_", "-"): value for name, value in headers.items()}) as client:
        return await client.get(path)


async def test_a_one_time_link_becomes_a_session_once(gateway: TestGateway) -> None:
    link = await gateway.store.sessions.create_link("acme", "page-user", ttl_s=60)
    async with gateway.client(origin=OWN) as client:
        redeemed = await client.post("/api/v1/sessions", json={"token": link})
        assert redeemed.status_code == 200
        assert redeemed.json() == {"user_id": "page-user"}
        cookie = redeemed.headers["set-cookie"]
        assert cookie.startswith("supportplane_session=")
        for attribute in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
            assert attribute in cookie
        assert (await client.get(PATH)).status_code == 200  # the client kept the cookie
        assert (await client.post("/api/v1/sessions", json={"token": link})).status_code == 401


async def behind_tls(chosen: dict[str, Any]) -> None:
    """The client of the tests connects from 127.0.0.1, which is now a proxy that the agent file trusts."""
    chosen["trusted_proxies"] = ["127.0.0.1/32"]


@pytest.fixture
async def https_gateway() -> AsyncIterator[TestGateway]:
    async with make_gateway(change_parts=behind_tls) as made:
        yield made


HTTPS = {"x-forwarded-proto": "https", "origin": "https://127.0.0.1:8080"}


async def test_over_https_the_cookie_is_secure_and_bound_to_the_host_and_browsers_are_told_to_stay(
    https_gateway: TestGateway,
) -> None:
    link = await https_gateway.store.sessions.create_link("acme", "page-user", ttl_s=60)
    async with https_gateway.client(**HTTPS) as client:
        redeemed = await client.post("/api/v1/sessions", json={"token": link})
        name, _, rest = redeemed.headers["set-cookie"].partition("=")
        assert name == "__Host-supportplane_session"
        for attribute in ("HttpOnly", "SameSite=strict", "Path=/", "Secure"):
            assert attribute in rest
        assert "Domain" not in rest
        assert redeemed.headers["strict-transport-security"] == "max-age=31536000"
        cookie = f"{name}={rest.partition(';')[0]}"
        assert (await client.get(PATH, headers={"cookie": cookie})).status_code == 200


async def test_over_https_a_cookie_that_http_could_have_planted_signs_nobody_in(https_gateway: TestGateway) -> None:
    plain = await https_gateway.session_cookie()
    assert (await get(https_gateway, **plain)).status_code == 200
    assert (await get(https_gateway, **(plain | HTTPS))).status_code == 401


async def test_a_page_of_http_may_not_use_what_came_by_https(https_gateway: TestGateway) -> None:
    secure = (await https_gateway.session_cookie())["cookie"].replace("supportplane", "__Host-supportplane")
    async with https_gateway.client(**HTTPS, cookie=secure) as client:
        assert (await client.get(PATH)).status_code == 200
        assert (await client.get(PATH, headers={"origin": OWN})).status_code == 403


async def test_a_header_of_no_trusted_proxy_makes_no_https(gateway: TestGateway) -> None:
    link = await gateway.store.sessions.create_link("acme", "page-user", ttl_s=60)
    async with gateway.client(**HTTPS) as client:  # the page of a proxy that was not named still works
        redeemed = await client.post("/api/v1/sessions", json={"token": link})
        assert redeemed.status_code == 200
        assert redeemed.headers["set-cookie"].startswith("supportplane_session=")
        assert "Secure" not in redeemed.headers["set-cookie"]
        assert "strict-transport-security" not in redeemed.headers
        assert (await client.get(PATH)).status_code == 200


async def test_signing_out_ends_the_session_and_takes_the_cookie_back(gateway: TestGateway) -> None:
    signed_in, other = await gateway.session_cookie(), await gateway.session_cookie()
    async with gateway.client(**signed_in) as client:
        ended = await client.delete("/api/v1/sessions/current")
        assert ended.status_code == 204
        assert 'supportplane_session=""' in ended.headers["set-cookie"]
        assert "Max-Age=0" in ended.headers["set-cookie"]
        assert (await client.get(PATH, headers={"cookie": signed_in["cookie"]})).status_code == 401
        again = await client.delete("/api/v1/sessions/current", headers={"cookie": signed_in["cookie"]})
        assert again.status_code == 401
    assert (await get(gateway, **other)).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:9999", None])
async def test_no_other_site_signs_anybody_out(gateway: TestGateway, origin: str | None) -> None:
    signed_in = await gateway.session_cookie()
    headers = {"cookie": signed_in["cookie"]} | ({"origin": origin} if origin else {})
    async with gateway.client(**headers) as client:
        assert (await client.delete("/api/v1/sessions/current")).status_code == 403
    assert (await get(gateway, **signed_in)).status_code == 200


async def test_without_a_session_there_is_nothing_to_end(gateway: TestGateway) -> None:
    async with gateway.client(**gateway.key.headers) as client:
        assert (await client.delete("/api/v1/sessions/current")).status_code == 401


async def test_another_site_can_not_redeem_a_link_into_a_browser(gateway: TestGateway) -> None:
    link = await gateway.store.sessions.create_link("acme", "page-user", ttl_s=60)
    async with gateway.client(origin="https://evil.example") as client:
        assert (await client.post("/api/v1/sessions", json={"token": link})).status_code == 403
    async with gateway.client() as client:
        assert (await client.post("/api/v1/sessions", json={"token": link})).status_code == 200


@pytest.mark.parametrize(
    ("headers", "reads", "asks"),
    [
        ({"origin": OWN}, 200, 200),
        ({"sec-fetch-site": "same-origin"}, 200, 200),
        ({"sec-fetch-site": "none"}, 200, 403),
        ({}, 200, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403, 403),
        ({"origin": "https://evil.example", "sec-fetch-site": "same-origin"}, 403, 403),
        ({"sec-fetch-site": "same-site"}, 403, 403),
        ({"sec-fetch-site": "cross-site"}, 403, 403),
        ({"origin": "null"}, 403, 403),
    ],
)
async def test_a_cookie_works_from_our_own_page_only(
    gateway: TestGateway, headers: dict[str, str], reads: int, asks: int
) -> None:
    cookie = {"cookie": (await gateway.session_cookie())["cookie"]}
    async with gateway.client(**cookie, **headers) as client:
        assert (await client.get(PATH)).status_code == reads
        assert (await client.post("/api/v1/query", json={"query": "Hello?"})).status_code == asks
