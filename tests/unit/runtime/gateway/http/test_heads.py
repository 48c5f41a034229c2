"""HEAD is GET without the body, on every path."""

import asyncio

import httpx2
import pytest

from support.eventually import eventually_async
from support.gateway.scripted_gateway import ORIGIN, TestGateway

PUBLIC = ("/livez", "/readyz", "/health", "/metrics", "/", "/widget.js", "/static/turn.js", "/docs", "/openapi.json")
CHANGING = {"x-request-id", "content-length"}  # /metrics counts the request itself


@pytest.mark.parametrize("path", PUBLIC)
async def test_a_monitor_may_ask_for_the_head_of_every_public_path(gateway: TestGateway, path: str) -> None:
    async with gateway.client() as client:
        head, whole = await client.head(path), await client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    told = [{name: value for name, value in reply.headers.items() if name not in CHANGING} for reply in (head, whole)]
    assert told[0] == told[1]
    if path != "/metrics":
        assert head.headers.get("content-length") == whole.headers.get("content-length")


async def test_the_head_of_what_is_someones_needs_the_same_right(
    gateway: TestGateway, client: httpx2.AsyncClient
) -> None:
    asked = (await client.post("/api/v1/query", json={"query": "ticket please", "user_id": "u"})).json()
    paths = (
        "/api/v1/conversations",
        f"/api/v1/conversations/{asked['conversation_id']}",
        "/api/v1/tickets",
        f"/api/v1/tickets/{asked['ticket_id']}",
        f"/api/v1/turns/{asked['turn_id']}",
        f"/api/v1/turns/{asked['turn_id']}/stream",
    )
    async with gateway.client() as stranger, gateway.client(**gateway.other_key.headers) as rival:
        for path in paths:
            head = await client.head(path)
            assert (head.status_code, head.content) == (200, b""), path
            assert (await stranger.head(path)).status_code == 401, path
            mine = path in {"/api/v1/conversations", "/api/v1/tickets"}
            assert (await rival.head(path)).status_code == (200 if mine else 404), path


async def test_the_head_of_a_running_turns_stream_comes_at_once(
    client: httpx2.AsyncClient, gateway: TestGateway
) -> None:
    turn_id = "5b0f6f0a-8c39-4a8e-bf57-f1b0d2c3a7de"
    body = {"query": "wait", "user_id": "u", "turn_id": turn_id}
    asking = asyncio.create_task(client.post("/api/v1/query", json=body))
    await eventually_async(lambda: bool(gateway.turns.logs))
    async with asyncio.timeout(10):
        head = await client.head(f"/api/v1/turns/{turn_id}/stream")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")
    gateway.turns.go.set()
    assert (await asking).status_code == 200


@pytest.mark.parametrize("path", [*PUBLIC, "/api/v1/conversations"])
async def test_a_wrong_method_is_told_that_head_is_answered(client: httpx2.AsyncClient, path: str) -> None:
    reply = await client.delete(path)
    assert reply.status_code == 405
    assert {"GET", "HEAD"} <= set(reply.headers["allow"].split(", "))


async def test_a_path_that_is_only_posted_to_has_no_head(client: httpx2.AsyncClient) -> None:
    reply = await client.head("/api/v1/query")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    assert reply.content == b""


async def test_a_widget_reads_heads_on_its_own_site(gateway: TestGateway) -> None:
    async with gateway.client(**await gateway.visitor_headers()) as client:
        reply = await client.head("/api/v1/conversations")
    assert reply.headers["access-control-allow-origin"] == ORIGIN


def test_the_document_tells_of_the_heads(gateway: TestGateway) -> None:
    document = gateway.app.openapi()
    for path, methods in document["paths"].items():
        assert ("head" in methods) is ("get" in methods), path
        if "head" in methods:
            assert all("content" not in response for response in methods["head"]["responses"].values())
            assert methods["head"].get("security") == methods["get"].get("security")
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))
