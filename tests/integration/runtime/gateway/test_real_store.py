"""What the store in memory forgives: every text that passes the gateway fits PostgreSQL, audit and limits are real."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.gateway.schema_values import NASTY, near_misses, values
from support.gateway.scripted_gateway import TestGateway, limits, make_gateway
from supportplane_runtime.store.postgres.store import open_store
from supportplane_runtime.store.redis.limits import RedisRateLimiter
from supportplane_runtime.store.redis.link import RedisLink

EXAMPLES = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
async def gateway(migrated_database_url: str, redis_url: str) -> AsyncIterator[TestGateway]:
    store = await open_store(migrated_database_url, pool_size=4)
    link = RedisLink(redis_url)
    limiter = RedisRateLimiter(link, limits(APIKey=100_000))
    try:
        async with make_gateway(store=store, limiter=limiter) as made:
            yield made
    finally:
        await link.close()
        await store.close()


@pytest.fixture(scope="module")
async def client(gateway: TestGateway) -> AsyncIterator[httpx2.AsyncClient]:
    async with gateway.client(**gateway.key.headers) as made:
        yield made


@given(data=st.data())
@EXAMPLES
async def test_whatever_is_accepted_can_be_stored_and_read_back(
    client: httpx2.AsyncClient, gateway: TestGateway, data: Any
) -> None:
    document = gateway.app.openapi()
    schema = document["components"]["schemas"]["QueryRequest"]
    body = data.draw(values(schema, document) | near_misses(schema, document))
    if isinstance(body, dict):
        body.pop("conversation_id", None)
    reply = await client.post("/api/v1/query", content=json.dumps(body).encode(), headers=JSON)
    assert reply.status_code in {200, 400, 409, 413}, reply.text
    if reply.status_code == 200:
        turn = (await client.get(f"/api/v1/turns/{reply.json()['turn_id']}")).json()
        assert turn["question"] == body["query"]
        assert turn["user_id"] == body["user_id"]


@pytest.mark.parametrize("bad", ["\x00", "\ud800"], ids=["NUL", "half a surrogate pair"])
async def test_text_that_postgresql_can_not_hold_is_refused_wherever_it_stands(
    client: httpx2.AsyncClient, bad: str
) -> None:
    fine = {"query": "Hi?", "user_id": "u"}
    turn_id = (await client.post("/api/v1/query", json=fine)).json()["turn_id"]
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("query", fine | change) for change in ({"query": f"Hi{bad}"}, {"user_id": f"u{bad}"})
    ]
    bodies += [("query", fine | {"context": context}) for context in ({"a": bad}, {bad: 1}, {"a": [{"b": bad}]})]
    bodies += [("feedback", {"turn_id": turn_id, "rating": "up", "comment": bad})]
    for path, body in bodies:
        reply = await client.post(f"/api/v1/{path}", content=json.dumps(body).encode(), headers=JSON)
        assert reply.status_code == 400, (body, reply.text)


@given(comment=st.text(max_size=200) | NASTY)
@EXAMPLES
async def test_whatever_comment_is_accepted_can_be_stored(client: httpx2.AsyncClient, comment: str) -> None:
    asked = await client.post("/api/v1/query", json={"query": "Hi?", "user_id": "u"})
    body = {"turn_id": asked.json()["turn_id"], "rating": "down", "comment": comment}
    reply = await client.post("/api/v1/feedback", content=json.dumps(body).encode(), headers=JSON)
    assert reply.status_code in {204, 400}, reply.text


@given(user_id=st.text(max_size=140) | NASTY, after=st.text(max_size=100) | NASTY, limit=st.integers())
@EXAMPLES
async def test_whatever_a_listing_is_asked_is_answered(
    client: httpx2.AsyncClient, user_id: str, after: str, limit: int
) -> None:
    def utf8(text: str) -> bytes:
        return text.encode("utf-8", "surrogatepass")

    for path in ("conversations", "tickets", "feedback"):
        for query in (
            {"user_id": utf8(user_id), "limit": str(limit % 200)},
            {"after": utf8(after), "limit": str(limit)},
        ):
            reply = await client.get(f"/api/v1/{path}?{urlencode(query)}")
            assert reply.status_code in {200, 400}, reply.text


@given(
    text=st.text(max_size=100) | NASTY,
    since=st.datetimes(timezones=st.timezones() | st.none()).map(datetime.isoformat) | st.text(max_size=30) | NASTY,
)
@EXAMPLES
async def test_whatever_feedback_is_asked_for_is_answered(client: httpx2.AsyncClient, text: str, since: str) -> None:
    for path, query in (
        ("feedback", {"document": text.encode("utf-8", "surrogatepass")}),
        ("feedback", {"agent": text.encode("utf-8", "surrogatepass")}),
        ("feedback", {"since": since.encode("utf-8", "surrogatepass")}),
        ("feedback/documents", {"since": since.encode("utf-8", "surrogatepass")}),
    ):
        reply = await client.get(f"/api/v1/{path}?{urlencode(query)}")
        assert reply.status_code in {200, 400}, reply.text


async def test_pages_of_a_listing_are_complete_and_do_not_repeat(client: httpx2.AsyncClient) -> None:
    asked = [
        (await client.post("/api/v1/query", json={"query": "ticket please", "user_id": "lister"})).json()
        for _ in range(7)
    ]
    for path, name in (("conversations", "conversation_id"), ("tickets", "ticket_id")):
        seen, after = [], None
        while True:
            query = {"user_id": "lister", "limit": "3"} | ({"after": after} if after else {})
            page = (await client.get(f"/api/v1/{path}", params=query)).json()
            seen += [item[name] for item in page["items"]]
            after = page["after"]
            if after is None:
                break
        assert seen == [turn[name] for turn in reversed(asked)]


async def test_a_conversation_with_a_ticket_is_read_and_the_ticket_closed(client: httpx2.AsyncClient) -> None:
    asked = (await client.post("/api/v1/query", json={"query": "ticket please", "user_id": "u9"})).json()
    found = (await client.get(f"/api/v1/conversations/{asked['conversation_id']}")).json()
    assert found["conversation"]["open_ticket_id"] == asked["ticket_id"]
    assert [turn["answer"]["response"] for turn in found["turns"]] == [asked["response"]]
    closed = (await client.post(f"/api/v1/tickets/{asked['ticket_id']}/close")).json()
    assert (closed["status"], closed["turn_ids"]) == ("closed", [asked["turn_id"]])
    again = (await client.get(f"/api/v1/conversations/{asked['conversation_id']}")).json()
    assert again["conversation"]["open_ticket_id"] is None


async def test_calls_of_known_and_unknown_callers_end_in_the_audit(
    client: httpx2.AsyncClient, gateway: TestGateway
) -> None:
    await client.get("/api/v1/tickets")
    async with gateway.client() as stranger:
        await stranger.get("/api/v1/tickets")
    log = gateway.app.state.gateway.audit_log
    log.start()
    await log.stop()
    mine = await gateway.store.audit.listing("acme", limit=1)
    assert [(entry.action, entry.outcome) for entry in mine] == [("GET /api/v1/tickets", "200")]
    strangers = await gateway.store.audit.listing("-", limit=1)
    assert [(entry.action, entry.outcome) for entry in strangers] == [("GET /api/v1/tickets", "401")]
