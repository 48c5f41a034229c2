import httpx2
import pytest

from support.gateway.scripted_gateway import ORIGIN, TestGateway
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.store.interfaces.keys import KeyKind

PATH = "/api/v1/conversations"
OWN = "http://127.0.0.1:8080"


async def get(gateway: TestGateway, path: str = PATH, **headers: str) -> httpx2.Response:
    async with gateway.client(**{name.replace("_", "-"): value for name, value in headers.items()}) as client:
        return await client.get(path)


async def test_a_key_is_accepted_in_either_header(gateway: TestGateway) -> None:
    assert (await get(gateway, authorization=f"Bearer {gateway.key.plain}")).status_code == 200
    assert (await get(gateway, authorization=f"bearer {gateway.key.plain}")).status_code == 200
    assert (await get(gateway, x_api_key=gateway.key.plain)).status_code == 200


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
