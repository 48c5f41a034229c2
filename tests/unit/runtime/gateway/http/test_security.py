from collections.abc import AsyncIterator

import httpx2
import pytest

from support.gateway.scripted_gateway import ORIGIN, TestGateway, make_gateway

ASK = {"query": "Hello?", "user_id": "u"}
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}


@pytest.mark.parametrize("path", ["/", "/health", "/metrics", "/api/v1/conversations", "/docs", "/nothing"])
async def test_a_rebound_name_gets_no_answer_anywhere(gateway: TestGateway, path: str) -> None:
    async with gateway.client(host="evil.example:8080", **gateway.key.headers) as client:
        reply = await client.get(path)
    assert (reply.status_code, reply.json()["code"]) == (421, "wrong-host")


@pytest.mark.parametrize("host", ["localhost:8080", "10.0.0.7:8080", "[::1]:8080"])
async def test_listed_names_and_addresses_are_served(gateway: TestGateway, host: str) -> None:
    async with gateway.client(host=host) as client:
        assert (await client.get("/livez")).status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
@pytest.mark.parametrize("host", ["evil.example", "10.244.0.7:8080", "", "no host at all"])
async def test_probes_are_answered_whatever_they_call_us(gateway: TestGateway, path: str, host: str) -> None:
    async with gateway.client(host=host) as client:
        assert (await client.get(path)).status_code == 200


async def test_a_name_is_served_once_it_is_listed() -> None:
    async with make_gateway(allowed_hosts=("agent.example",)) as gateway:
        async with gateway.client(host="agent.example") as client:
            assert (await client.get("/health")).status_code == 200
        async with gateway.client(host="localhost") as client:
            assert (await client.get("/health")).status_code == 421


@pytest.mark.parametrize("path", ["/health", "/livez", "/readyz"])
@pytest.mark.parametrize("hosts", [(), ("127.0.0.1", "evil.example"), ("127.0.0.1", "127.0.0.1")])
async def test_a_request_without_one_host_is_refused_by_probes_too(
    gateway: TestGateway, path: str, hosts: tuple[str, ...]
) -> None:
    async with gateway.client() as client:
        request = client.build_request("GET", path)
        request.headers = httpx2.Headers([("host", host) for host in hosts])
        reply = await client.send(request)
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid-request")
    assert "exactly one Host header" in reply.json()["detail"]


async def test_a_preflight_is_answered_for_the_keys_own_origin_only(gateway: TestGateway) -> None:
    url = f"/api/v1/query/stream?key={gateway.widget_key.plain}"
    async with gateway.client(**PREFLIGHT) as client:
        allowed = await client.options(url, headers={"origin": ORIGIN})
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == ORIGIN
        assert "x-visitor-token" in allowed.headers["access-control-allow-headers"]
        for origin in ("https://evil.example", "null", "http://127.0.0.1:8080"):
            refused = await client.options(url, headers={"origin": origin})
            assert refused.status_code == 403, origin
            assert "access-control-allow-origin" not in refused.headers


async def test_a_preflight_without_a_publishable_key_is_refused(gateway: TestGateway) -> None:
    async with gateway.client(origin=ORIGIN, **PREFLIGHT) as client:
        for key in ("", gateway.key.plain, "pk_unknown_unknown", "pk_"):
            reply = await client.options("/api/v1/query", params={"key": key})
            assert reply.status_code in {401, 403}
            assert "access-control-allow-origin" not in reply.headers


async def test_a_declared_length_beyond_the_limit_is_refused_before_a_byte_is_read(gateway: TestGateway) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(160):
            sent += 1
            yield b"x" * 65536

    async with gateway.client(**gateway.key.headers) as client:
        reply = await client.post(
            "/api/v1/query",
            content=body(),
            headers={"content-type": "application/json", "content-length": str(160 * 65536)},
        )
    assert (reply.status_code, reply.json()["code"]) == (413, "too-large")
    assert reply.headers["content-type"] == "application/problem+json"
    assert sent == 0


async def test_a_chunked_body_is_stopped_when_it_passes_the_limit(gateway: TestGateway) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(160):
            sent += 1
            yield b"x" * 65536

    async with gateway.client(**gateway.key.headers) as client:
        reply = await client.post("/api/v1/query", content=body(), headers={"content-type": "application/json"})
    assert (reply.status_code, reply.json()["code"]) == (413, "too-large")
    assert sent <= 3


@pytest.mark.parametrize("length", ["-1", "abc", "1" * 400, "१२", "1.5", ""])
async def test_a_length_that_is_none_is_refused(gateway: TestGateway, length: str) -> None:
    async with gateway.client(**gateway.key.headers) as client:
        request = client.build_request("POST", "/api/v1/query", json=ASK)
        request.headers = httpx2.Headers(
            [(b"host", b"127.0.0.1"), (b"content-length", length.encode()), *request_headers(gateway)]
        )
        assert (await client.send(request)).status_code == 413


def request_headers(gateway: TestGateway) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {gateway.key.plain}".encode()), (b"content-type", b"application/json")]


async def test_a_body_at_the_limit_is_read(gateway: TestGateway) -> None:
    limit = gateway.settings.max_body_bytes
    frame = b'{"query": "Hello?", "user_id": "u"}'
    async with gateway.client(**gateway.key.headers, **{"content-type": "application/json"}) as client:
        assert (await client.post("/api/v1/query", content=frame.ljust(limit))).status_code == 200
        assert (await client.post("/api/v1/query", content=frame.ljust(limit + 1))).status_code == 413


@pytest.mark.parametrize("path", ["/livez", "/api/v1/conversations", "/nothing", "/openapi.json"])
async def test_every_response_carries_the_security_headers(client: httpx2.AsyncClient, path: str) -> None:
    reply = await client.get(path)
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    assert reply.headers["cache-control"] == "no-store"
    assert len(reply.headers["x-request-id"]) == 24
