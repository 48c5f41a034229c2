"""Nobody reaches what is another tenant's or another user's: every route, every id, every kind of caller."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi.routing import iter_route_contexts

from support.gateway.scripted_gateway import TestGateway
from supportplane_runtime.domain.identity import Scope

# Routes that show nobody's data: no caller, or (visitors, sessions) what they make belongs to whoever asked.
PUBLIC = {
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/health"),
    ("GET", "/metrics"),
    ("GET", "/"),
    ("GET", "/widget.js"),
    ("GET", "/static/{name:path}"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("HEAD", "/openapi.json"),
    ("GET", "/internal/v1/status"),  # the operator's: status/test_endpoints.py
    ("POST", "/api/v1/sessions"),
    ("DELETE", "/api/v1/sessions/current"),  # names nobody: it ends the session of the cookie
    ("POST", "/api/v1/visitors"),
}
# Routes that are told an id of another's, with what they answer.
BY_ID = {
    ("GET", "/api/v1/turns/{turn_id}"): 404,
    ("GET", "/api/v1/turns/{turn_id}/stream"): 404,
    ("POST", "/api/v1/turns/{turn_id}/cancel"): 404,
    ("GET", "/api/v1/conversations/{conversation_id}"): 404,
    ("GET", "/api/v1/tickets/{ticket_id}"): 404,
    ("POST", "/api/v1/tickets/{ticket_id}/close"): 404,
}
BY_BODY = {("POST", "/api/v1/query"), ("POST", "/api/v1/query/stream"), ("POST", "/api/v1/feedback")}
LISTINGS = {("GET", "/api/v1/conversations"), ("GET", "/api/v1/tickets")}
# What all users of the tenant wrote: for keys with the scope read alone.
OVERSEEN = {("GET", "/api/v1/feedback"), ("GET", "/api/v1/feedback/documents"), ("GET", "/api/v1/gaps")}
# Frames of the WebSocket have the same ids: tests/integration/runtime/gateway/test_socket.py.
SOCKETS = {("WEBSOCKET", "/api/v1/stream")}


@dataclass(frozen=True)
class Belongings:
    turn_id: str
    conversation_id: str
    ticket_id: str


@pytest.fixture
async def belongings(gateway: TestGateway) -> Belongings:
    """Of the user u1 of the tenant acme."""
    async with gateway.client(**gateway.key.headers) as client:
        asked = (await client.post("/api/v1/query", json={"query": "ticket please", "user_id": "u1"})).json()
    return Belongings(asked["turn_id"], asked["conversation_id"], asked["ticket_id"])


async def strangers(gateway: TestGateway) -> dict[str, dict[str, str]]:
    return {
        "another tenant's key": gateway.other_key.headers,
        "another tenant's session of the same user": await gateway.session_cookie("rival", "u1"),
        "another user's session": await gateway.session_cookie("acme", "u2"),
        "a visitor": await gateway.visitor_headers(),
    }


def test_every_route_is_covered_here(gateway: TestGateway) -> None:
    routes = {
        (method, context.path)
        for context in iter_route_contexts(gateway.app.routes)
        for method in (getattr(context, "methods", None) or {"WEBSOCKET"})
    }
    assert routes == PUBLIC | set(BY_ID) | BY_BODY | LISTINGS | OVERSEEN | SOCKETS


async def test_an_id_of_another_is_not_found(gateway: TestGateway, belongings: Belongings) -> None:
    for who, headers in (await strangers(gateway)).items():
        async with gateway.client(**headers) as client:
            for (method, template), expected in BY_ID.items():
                path = template.format(**vars_of(belongings))
                reply = await client.request(method, path)
                assert reply.status_code == expected, (who, method, template)
                await same_as_no_such_id(client, method, template, reply)


def vars_of(belongings: Belongings) -> dict[str, str]:
    return {
        "turn_id": belongings.turn_id,
        "conversation_id": belongings.conversation_id,
        "ticket_id": belongings.ticket_id,
    }


async def same_as_no_such_id(client: httpx2.AsyncClient, method: str, template: str, reply: httpx2.Response) -> None:
    """An existing id of another's and one that never was are answered alike, but for the id."""
    made_up = str(uuid4())
    path = template.format(turn_id=made_up, conversation_id=made_up, ticket_id=made_up)
    other = await client.request(method, path)
    asked_for = reply.request.url.path.split("/")[4]
    assert reply.text.replace(asked_for, "ID") == other.text.replace(made_up, "ID")


async def test_a_body_that_names_anothers_conversation_or_turn_is_refused(
    gateway: TestGateway, belongings: Belongings
) -> None:
    for who, headers in (await strangers(gateway)).items():
        user = {"user_id": "u1"} if who == "another tenant's key" else {}
        async with gateway.client(**headers) as client:
            for path in ("/api/v1/query", "/api/v1/query/stream"):
                joined = {"query": "Hello?", "conversation_id": belongings.conversation_id} | user
                assert (await client.post(path, json=joined)).status_code == 404, (who, path)
            rated = await client.post("/api/v1/feedback", json={"turn_id": belongings.turn_id, "rating": "up"})
            assert rated.status_code == 404, who


async def test_anothers_turn_id_is_answered_as_one_that_nobody_has(
    gateway: TestGateway, belongings: Belongings
) -> None:
    """A turn of the caller's own: the same request again is the same turn, and its id leads to it."""
    asker = await gateway.make_key(scopes=frozenset({Scope.INVOKE}))
    for who, headers in (await strangers(gateway) | {"another key that may only ask": asker.headers}).items():
        user = {"user_id": "u1"} if "key" in who else {}
        async with gateway.client(**headers) as client:
            body = {"query": "ticket please", "turn_id": belongings.turn_id} | user
            first, again = [(await client.post("/api/v1/query", json=body)).json() for _ in range(2)]
            assert first == again, who
            assert (first["turn_id"], first["outcome"]) == (belongings.turn_id, "handed_off"), who
            assert first["conversation_id"] != belongings.conversation_id, who
            assert first["ticket_id"] != belongings.ticket_id, who
            read = (await client.get(f"/api/v1/turns/{belongings.turn_id}")).json()
            assert (read["turn_id"], read["answer"]) == (belongings.turn_id, first), who
            streamed = await client.get(f"/api/v1/turns/{belongings.turn_id}/stream")
            assert belongings.turn_id in streamed.text, who
            assert first["conversation_id"] in streamed.text, who
            rated = await client.post("/api/v1/feedback", json={"turn_id": belongings.turn_id, "rating": "down"})
            assert rated.status_code == 204, who
            other = await client.post("/api/v1/query", json=body | {"query": "Another?"})
            assert other.status_code == 409, who
    async with gateway.client(**gateway.key.headers) as client:
        mine = (await client.get(f"/api/v1/turns/{belongings.turn_id}")).json()
    assert mine["conversation_id"] == belongings.conversation_id


async def test_a_key_that_may_only_ask_sees_no_turn_of_another_key(
    gateway: TestGateway, belongings: Belongings
) -> None:
    asker = await gateway.make_key(scopes=frozenset({Scope.INVOKE}))
    async with gateway.client(**asker.headers) as client:
        for method, template in BY_ID:
            if "{turn_id}" in template:
                reply = await client.request(method, template.format(**vars_of(belongings)))
                assert reply.status_code == 404, template
                await same_as_no_such_id(client, method, template, reply)
        rated = await client.post("/api/v1/feedback", json={"turn_id": belongings.turn_id, "rating": "up"})
        assert rated.status_code == 404
        own = (await client.post("/api/v1/query", json={"query": "Hello?", "user_id": "u1"})).json()
        assert (await client.get(f"/api/v1/turns/{own['turn_id']}")).status_code == 200


async def test_a_key_sees_what_the_key_that_it_replaced_has_asked(gateway: TestGateway) -> None:
    """The same name says so: `supportplane keys create NAME` again, or other content in a file of that name."""
    only = frozenset({Scope.INVOKE})
    before = await gateway.make_key(scopes=only, name="shop")
    after = await gateway.make_key(scopes=only, name="shop")
    other = await gateway.make_key(scopes=only, name="desk")
    async with gateway.client(**before.headers) as client:
        asked = (await client.post("/api/v1/query", json={"query": "Hello?", "user_id": "u"})).json()
    path = f"/api/v1/turns/{asked['turn_id']}"
    for key, expected in ((before, 200), (after, 200), (other, 404)):
        async with gateway.client(**key.headers) as client:
            assert (await client.get(path)).status_code == expected
    async with gateway.client(**after.headers) as client:
        later = (await client.post("/api/v1/query", json={"query": "And?", "user_id": "u"})).json()
    async with gateway.client(**before.headers) as client:
        assert (await client.get(f"/api/v1/turns/{later['turn_id']}")).status_code == 404


async def test_listings_show_no_one_elses(gateway: TestGateway, belongings: Belongings) -> None:
    assert belongings.conversation_id
    for who, headers in (await strangers(gateway)).items():
        async with gateway.client(**headers) as client:
            for _, path in LISTINGS:
                assert (await client.get(path)).json()["items"] == [], (who, path)
                asked_for_u1 = await client.get(path, params={"user_id": "u1"})
                # In the other tenant u1 may be anyone's name, so the listing is empty; here it is someone else.
                expected: tuple[int, list[Any] | None] = (
                    (200, []) if who.startswith("another tenant's") else (404, None)
                )
                assert (asked_for_u1.status_code, asked_for_u1.json().get("items")) == expected, (who, path)


async def test_feedback_is_read_by_keys_that_oversee_the_tenant_and_by_nobody_else(
    gateway: TestGateway, belongings: Belongings
) -> None:
    own_session = await gateway.session_cookie("acme", "u1")
    async with gateway.client(**own_session) as client:
        body = {"turn_id": belongings.turn_id, "rating": "down", "comment": "Not what I asked."}
        assert (await client.post("/api/v1/feedback", json=body)).status_code == 204
    refused = await strangers(gateway) | {"their own session": own_session}
    reader = await gateway.make_key(scopes=frozenset({Scope.READ}))
    for _, path in OVERSEEN:
        async with gateway.client(**refused.pop("another tenant's key", gateway.other_key.headers)) as client:
            assert (await client.get(path)).json()["items"] == [], path
        async with gateway.client(**reader.headers) as client:
            assert len((await client.get(path)).json()["items"]) == 1, path
        for who, headers in refused.items():
            async with gateway.client(**headers) as client:
                assert (await client.get(path)).status_code == 403, (who, path)


async def test_the_owner_sees_it_all(gateway: TestGateway, belongings: Belongings) -> None:
    for headers in (gateway.key.headers, await gateway.session_cookie("acme", "u1")):
        async with gateway.client(**headers) as client:
            for method, template in BY_ID:
                reply = await client.request(method, template.format(**vars_of(belongings)))
                assert reply.status_code in {200, 204}, (method, template)
            for _, path in LISTINGS:
                assert len((await client.get(path)).json()["items"]) == 1


async def test_every_route_that_is_not_public_refuses_strangers_without_a_key(
    gateway: TestGateway, belongings: Belongings
) -> None:
    async with gateway.client() as client:
        for method, template in set(BY_ID) | BY_BODY | LISTINGS | OVERSEEN:
            reply = await client.request(method, template.format(**vars_of(belongings)))
            assert reply.status_code == 401, (method, template)
            assert "www-authenticate" in reply.headers


async def test_a_key_that_may_only_ask_does_not_read_the_tenant(gateway: TestGateway, belongings: Belongings) -> None:
    asker = await gateway.make_key(scopes=frozenset({Scope.INVOKE}))
    async with gateway.client(**asker.headers) as client:
        for path in (
            "/api/v1/conversations",
            "/api/v1/tickets",
            "/api/v1/feedback",
            "/api/v1/feedback/documents",
            "/api/v1/gaps",
            f"/api/v1/conversations/{belongings.conversation_id}",
            f"/api/v1/tickets/{belongings.ticket_id}",
        ):
            assert (await client.get(path)).status_code == 403, path


async def test_a_key_that_may_only_read_changes_nothing(gateway: TestGateway, belongings: Belongings) -> None:
    reader = await gateway.make_key(scopes=frozenset({Scope.READ}))
    async with gateway.client(**reader.headers) as client:
        assert (await client.get(f"/api/v1/tickets/{belongings.ticket_id}")).status_code == 200
        assert (await client.get(f"/api/v1/turns/{belongings.turn_id}")).status_code == 200
        assert (await client.post(f"/api/v1/tickets/{belongings.ticket_id}/close")).status_code == 403
        assert (await client.post(f"/api/v1/turns/{belongings.turn_id}/cancel")).status_code == 403
        rated = await client.post("/api/v1/feedback", json={"turn_id": belongings.turn_id, "rating": "up"})
        assert rated.status_code == 403
