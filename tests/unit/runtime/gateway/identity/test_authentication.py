from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from prometheus_client import REGISTRY

from support.gateway.scripted_gateway import ORIGIN, TestGateway, make_gateway
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.store.interfaces.keys import KeyKind

PATH = "/api/v1/conversations"
OWN = "http://127.0.0.1:8080"


async def get(gateway: TestGateway, path: str = PATH, **headers: str) -> httpx2.Response:
    async with gateway.client(**{name.replace("_", "-"): value for name, value in headers.items()}) as client:
        return await client.get(path)


def failures(reason: str) -> float:
    return REGISTRY.get_sample_value("supportplane_auth_failures_total", {"reason": reason}) or 0


async def test_a_key_is_accepted_in_either_header(gateway: TestGateway) -> None:
    assert (await get(gateway, authorization=f"Bearer {gateway.key.plain}")).status_code == 200
    assert (await get(gateway, authorization=f"bearer {gateway.key.plain}")).status_code == 200
    assert (await get(gateway, x_api_key=gateway.key.plain)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "missing"),
        ({"authorization": "Basic dTpw"}, "malformed"),
        ({"authorization": "Bearer"}, "malformed"),
        ({"authorization": "Bearer "}, "malformed"),
        ({"authorization": "Bearer not-a-key"}, "malformed"),
        ({"authorization": "Bearer sk_" + "a" * 5000}, "malformed"),
        ({"x-api-key": "sk_'; DROP TABLE api_keys; --"}, "malformed"),
        ({"x-api-key": "sk_doesnotexist_aaaaaaaaaaaaaaaaaaaaaaaa"}, "unknown"),
        ({"cookie": "supportplane_session=made-up", "origin": OWN}, "session"),
    ],
)
async def test_without_a_good_credential_the_answer_is_401_and_says_how(
    gateway: TestGateway, headers: dict[str, str], reason: str
) -> None:
    before = failures(reason)
    async with gateway.client(**headers) as client:
        reply = await client.get(PATH)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == 'Bearer realm="supportplane"'
    assert reply.json()["code"] == "unauthenticated"
    assert "\ufffd" not in reply.json()["detail"]
    assert failures(reason) == before + 1


async def test_a_revoked_key_is_unknown(gateway: TestGateway) -> None:
    key = await gateway.make_key()
    assert (await get(gateway, **key.headers)).status_code == 200
    await gateway.store.keys.revoke("acme", key.record.key_id)
    assert (await get(gateway, **key.headers)).status_code == 401


async def test_a_request_that_names_two_different_keys_is_refused(gateway: TestGateway) -> None:
    own = gateway.key.plain
    assert (await get(gateway, authorization=f"Bearer {own}", x_api_key=own)).status_code == 200
    assert (await get(gateway, authorization=f"Bearer {own}", x_api_key=gateway.other_key.plain)).status_code == 401
    assert (await get(gateway, f"{PATH}?key={gateway.widget_key.plain}", x_api_key=own)).status_code == 401


async def test_a_secret_key_is_refused_in_a_url(gateway: TestGateway) -> None:
    reply = await get(gateway, f"{PATH}?key={gateway.key.plain}")
    assert reply.status_code == 401
    assert gateway.key.plain not in reply.text


async def test_a_secret_key_in_a_foreign_page_is_refused(gateway: TestGateway) -> None:
    reply = await get(gateway, origin="https://evil.example", **gateway.key.headers)
    assert (reply.status_code, reply.json()["code"]) == (403, "origin-not-allowed")
    assert "access-control-allow-origin" not in reply.headers
    assert (await get(gateway, origin=OWN, **gateway.key.headers)).status_code == 200


async def test_strangers_bodies_are_not_read(gateway: TestGateway) -> None:
    async with gateway.client() as client:
        reply = await client.post("/api/v1/query", content=b"{broken", headers={"content-type": "application/json"})
    assert reply.status_code == 401


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


async def test_a_widget_is_a_visitor_on_its_own_site(gateway: TestGateway) -> None:
    headers = await gateway.visitor_headers()
    async with gateway.client(**headers) as client:
        reply = await client.post("/api/v1/query", json={"query": "Hello?"})
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    assert reply.headers["vary"] == "origin"
    assert "access-control-allow-credentials" not in reply.headers
    turn = await gateway.store.turnbook.turn("acme", next(iter(gateway.turns.logs.values())).turn.turn_id)
    assert turn.user_id.startswith("widget-")


async def test_a_widget_in_a_browser_lists_what_is_its_visitors(gateway: TestGateway) -> None:
    """A browser's preflight needs the key in the URL, so every route takes it there."""
    headers = await gateway.visitor_headers()
    del headers["authorization"]
    async with gateway.client(**headers) as client:
        by_url = {"key": gateway.widget_key.plain}
        asked = (await client.post("/api/v1/query", params=by_url, json={"query": "ticket please"})).json()
        for path, name in (("/api/v1/conversations", "conversation_id"), ("/api/v1/tickets", "ticket_id")):
            listed = await client.get(path, params=by_url | {"limit": "5"})
            assert [item[name] for item in listed.json()["items"]] == [asked[name]]
            one = await client.get(f"{path}/{asked[name]}", params=by_url)
            assert one.status_code == 200
            assert (await client.get(path, params=by_url | {"offset": "1"})).status_code == 400
        turn = f"/api/v1/turns/{asked['turn_id']}"
        for path in (turn, f"{turn}/stream"):
            assert (await client.get(path, params=by_url)).status_code == 200


@pytest.mark.parametrize("origin", [None, "https://evil.example", OWN, "https://shop.example.evil", "null"])
async def test_a_publishable_key_is_refused_on_any_other_site(gateway: TestGateway, origin: str | None) -> None:
    headers = await gateway.visitor_headers()
    del headers["origin"]
    async with gateway.client(**headers, **({"origin": origin} if origin else {})) as client:
        reply = await client.post("/api/v1/query", json={"query": "Hello?"})
        visitor = await client.post("/api/v1/visitors")
    assert reply.status_code == visitor.status_code == 403
    assert "access-control-allow-origin" not in reply.headers


async def test_a_publishable_key_without_a_visitor_is_no_one(gateway: TestGateway) -> None:
    async with gateway.client(origin=ORIGIN, **gateway.widget_key.headers) as client:
        assert (await client.get(PATH)).status_code == 401
        assert (await client.get(PATH, headers={"x-visitor-token": "made.up.token"})).status_code == 401


async def test_one_visitor_does_not_see_another(gateway: TestGateway) -> None:
    first, second = await gateway.visitor_headers(), await gateway.visitor_headers()
    async with gateway.client(**first) as client:
        asked = (await client.post("/api/v1/query", json={"query": "Hello?"})).json()
    async with gateway.client(**second) as client:
        assert (await client.get(f"/api/v1/turns/{asked['turn_id']}")).status_code == 404
        assert (await client.get(f"{PATH}/{asked['conversation_id']}")).status_code == 404
        assert (await client.get(PATH)).json()["items"] == []


async def test_a_publishable_key_never_reads_the_tenant_whatever_scopes_it_was_given(gateway: TestGateway) -> None:
    wide = await gateway.make_key(
        kind=KeyKind.PUBLISHABLE, scopes=frozenset({Scope.READ, Scope.ADMIN}), origins=(ORIGIN,)
    )
    async with gateway.client(origin=ORIGIN, **wide.headers) as client:
        token = (await client.post("/api/v1/visitors")).json()["visitor_token"]
        assert (await client.get(PATH, headers={"x-visitor-token": token})).status_code == 403


async def test_visitors_are_not_made_for_secret_keys(gateway: TestGateway) -> None:
    async with gateway.client(**gateway.key.headers) as client:
        assert (await client.post("/api/v1/visitors")).status_code == 401
    async with gateway.client() as client:
        assert (await client.post("/api/v1/visitors")).status_code == 401


async def test_when_the_store_is_away_no_one_is_let_in(gateway: TestGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    from supportplane_runtime.errors import StoreUnavailable

    async def away(_plain: str) -> None:
        raise StoreUnavailable("The database does not answer.")

    monkeypatch.setattr(gateway.store.keys, "lookup", away)
    reply = await get(gateway, **gateway.key.headers)
    assert (reply.status_code, reply.json()["code"]) == (503, "store-unavailable")
    assert reply.headers["retry-after"] == "2"
