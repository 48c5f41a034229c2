"""A house that is full: who keeps a place, who is told what, and that probes are answered all the while."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import aiohttp
import orjson
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from support.eventually import eventually_async
from support.gateway.scripted_gateway import ORIGIN
from supportplane_runtime.gateway.limits.tarpit import ALLOWANCE
from supportplane_runtime.gateway.server import MAX_PIPELINED

Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[Any]]
Stream: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
ASK = {"query": "How do I rotate an API key?", "user_id": "u1"}
PROBES = ("/livez", "/readyz", "/metrics")
OTHER = "127.0.0.77"


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()


def get_once(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode()


def status_of(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


def code_of(response: bytes) -> str:
    return str(orjson.loads(response.partition(b"\r\n\r\n")[2])["code"])


async def silent(served: Any, count: int, source: str = "127.0.0.1") -> list[Stream]:
    return [await served.connect(source) for _ in range(count)]


async def sockets(served: Any, count: int) -> list[aiohttp.ClientWebSocketResponse]:
    return [await served.client.ws_connect(f"{served.url}/api/v1/stream") for _ in range(count)]


async def stop(streams: list[Stream]) -> None:
    for _, writer in streams:
        writer.transport.abort()


async def still_serves(served: Any) -> bool:
    async with served.client.post(f"{served.url}/api/v1/query", json=ASK) as reply:
        return bool(reply.status == 200)


async def test_silent_connections_give_way_to_a_customer_of_the_same_address(serve_with: Serve) -> None:
    async with serve_with(max_connections=12, max_connections_per_address=10) as served:
        idle = await silent(served, 30)
        assert await still_serves(served)
        assert status_of(await served.raw(get_once("/livez"))) == 200
        await stop(idle)


async def test_silent_connections_of_many_addresses_give_way_to_a_customer(serve_with: Serve) -> None:
    async with serve_with(max_connections=12, max_connections_per_address=2) as served:
        idle = [await served.connect(f"127.0.0.{number}") for number in range(10, 40)]
        assert await still_serves(served)
        assert len(served.server.server_state.connections) <= 12
        await stop(idle)


async def test_a_customer_that_is_known_keeps_its_connection_while_strangers_come_and_go(serve_with: Serve) -> None:
    async with serve_with(max_connections=10, max_connections_per_address=10) as served:
        reader, writer = await served.connect()
        for _ in range(5):
            writer.write(get("/livez"))
            assert await reader.readuntil(b"}") != b""
            await stop(await silent(served, 20))
        writer.close()


async def test_an_address_that_holds_all_its_connections_busy_is_told_so_and_probes_answer(serve_with: Serve) -> None:
    async with serve_with(max_connections=30, max_connections_per_address=10) as served:
        held = await sockets(served, 10)
        refused = await served.raw(get_once("/openapi.json"))
        assert (status_of(refused), code_of(refused)) == (429, "too-many-connections")
        assert b"retry-after: 5" in refused
        for path in PROBES:
            assert status_of(await served.raw(get_once(path))) == 200, path
        assert status_of(await served.raw(get_once("/openapi.json"), source=OTHER)) == 200
        for each in held:
            await each.close()


async def test_a_house_whose_connections_all_work_refuses_customers_and_answers_probes(serve_with: Serve) -> None:
    async with serve_with(max_connections=10) as served:
        held = await sockets(served, 10)
        flood = await silent(served, 60, OTHER)  # more than the reserve holds
        refused = await served.raw(get_once("/openapi.json"), source=OTHER)
        assert (status_of(refused), code_of(refused)) == (503, "overloaded")
        for path in PROBES:
            assert status_of(await served.raw(get_once(path), source=OTHER)) == 200, path
        await stop(flood)
        for each in held:
            await each.close()
        await eventually_async(lambda: not served.server.server_state.connections)
        assert await still_serves(served)


async def test_a_trusted_proxy_may_hold_more_connections_than_an_address(serve_with: Serve) -> None:
    async def trust(parts: dict[str, Any]) -> None:
        parts["trusted_proxies"] = ("127.0.0.0/8",)

    async with serve_with(max_connections_per_address=3, max_streams_per_user=2, change_parts=trust) as served:
        held = await sockets_of(served, ["192.0.2.1", "192.0.2.2", "192.0.2.3"] * 3)
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await sockets_of(served, ["192.0.2.1"])
        assert caught.value.status == 429
        for each in held:
            await each.close()


def burst(port: int, count: int, request: bytes) -> list[socket.socket]:
    """Connections that have sent their request before the gateway, in the same loop, accepts the first of them."""
    found = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    for each in found:
        each.sendall(request)
        each.settimeout(0)
    return found


async def test_a_connection_whose_request_has_arrived_is_not_given_up_for_the_next_one(serve_with: Serve) -> None:
    async with serve_with(max_connections=100, max_connections_per_address=40) as served:
        loop = asyncio.get_running_loop()
        served_all = burst(served.port, 120, get_once("/livez"))
        async with asyncio.timeout(30):
            replies = [await loop.sock_recv(each, 65536) for each in served_all]
        for each in served_all:
            each.close()
        assert Counter(status_of(reply) for reply in replies) == {200: 120}


HANDSHAKE = (
    b"GET /api/v1/stream HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def handshakes(status: str) -> float:
    labels = {"method": "WEBSOCKET", "route": "/api/v1/stream", "status": status}
    return REGISTRY.get_sample_value("supportplane_http_requests_total", labels) or 0


async def test_a_refused_handshake_is_no_error_in_the_log(served: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert status_of(await served.raw(HANDSHAKE)) == 401
    assert caplog.records == []


async def test_a_client_that_leaves_before_its_handshake_is_refused_is_no_error(
    served: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tarpit, before = served.gateway.app.state.gateway.tarpit, handshakes("4xx")
    for _ in range(ALLOWANCE + 2):  # the next refusals are held back, and the client does not wait for them
        tarpit.count("127.0.0.1")
    with capture_logs() as logs:
        for left in burst(served.port, 3, HANDSHAKE):
            left.close()
        await eventually_async(lambda: handshakes("4xx") == before + 3)
    assert logs == [] == caplog.records


async def sockets_of(served: Any, clients: list[str]) -> list[aiohttp.ClientWebSocketResponse]:
    url = f"{served.url}/api/v1/stream"
    return [await served.client.ws_connect(url, headers={"x-forwarded-for": client}) for client in clients]


async def test_a_visitor_holds_a_few_sockets_and_another_visitor_gets_its_own(serve_with: Serve) -> None:
    async with serve_with(max_streams_per_user=3) as served:
        one, other = await served.gateway.visitor_headers(), await served.gateway.visitor_headers()
        url = f"{served.url}/api/v1/stream"
        async with aiohttp.ClientSession() as browser:
            held = [await browser.ws_connect(url, headers=one) for _ in range(3)]
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await browser.ws_connect(url, headers=one)
            assert caught.value.status == 429
            held.append(await browser.ws_connect(url, headers=other))
            async with browser.post(f"{served.url}/api/v1/query/stream", json={"query": "Hi?"}, headers=one) as reply:
                assert reply.status == 429
                assert reply.headers["access-control-allow-origin"] == ORIGIN
                assert (await reply.json(content_type=None))["code"] == "too-many-streams"
            for each in held:
                await each.close()


async def test_a_connection_that_says_nothing_is_closed_after_a_short_time(serve_with: Serve) -> None:
    async with serve_with(idle_timeout_s=0.5, request_timeout_s=60) as served:
        assert status_of(await served.raw(b"")) == 408
        for after in (b"", b"\r\n"):  # an empty line is no request, and does not stop the clock
            reader, writer = await served.connect()
            writer.write(get("/livez"))
            assert status_of(await reader.readuntil(b"}")) == 200
            writer.write(after)
            async with asyncio.timeout(30):
                assert await reader.read() == b""
            writer.close()


async def test_replies_that_nobody_reads_end_the_connection(serve_with: Serve) -> None:
    async with serve_with(stream_write_timeout_s=1) as served:
        flood = []
        for _ in range(4):
            reader, writer = await served.connect()
            stop_reading(writer)
            writer.write(get("/openapi.json") * MAX_PIPELINED)
            flood.append((reader, writer))
        await eventually_async(lambda: len(served.server.server_state.connections) == 4)
        await eventually_async(lambda: not served.server.server_state.connections)
        assert await still_serves(served)
        await stop(flood)


async def test_requests_that_pile_up_before_their_replies_end_the_connection(served: Any) -> None:
    reader, writer = await served.connect()
    writer.write(get("/openapi.json") * 400)
    async with asyncio.timeout(30):
        with_replies = await read_until_cut(reader)
    assert with_replies.count(b"HTTP/1.1 200") <= MAX_PIPELINED + 1
    await eventually_async(lambda: not served.server.server_state.connections)
    writer.close()


async def read_until_cut(reader: asyncio.StreamReader) -> bytes:
    received = b""
    try:
        while piece := await reader.read(65536):
            received += piece
    except ConnectionError:
        pass
    return received


async def test_a_reader_that_stops_gives_way_when_its_place_is_needed(serve_with: Serve) -> None:
    async with serve_with(max_connections=10, stream_write_timeout_s=600) as served:
        flood = []
        for _ in range(10):
            reader, writer = await served.connect()
            stop_reading(writer)
            writer.write(get("/openapi.json") * MAX_PIPELINED)
            flood.append((reader, writer))
        assert await still_serves(served)
        await stop(flood)


def stop_reading(writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()


async def test_the_port_for_probes_answers_probes_only(serve_with: Serve, free_port: int) -> None:
    async with serve_with(max_connections=10, health_port=free_port) as served:
        held = await sockets(served, 10)
        url = f"http://127.0.0.1:{free_port}"
        async with aiohttp.ClientSession() as kubelet:
            for path in PROBES:
                async with kubelet.get(url + path) as reply:
                    assert reply.status == 200, path
            async with kubelet.get(f"{url}/openapi.json") as reply:
                assert reply.status == 404
                assert (await reply.json(content_type=None))["code"] == "not-found"
        for each in held:
            await each.close()


async def test_refusals_that_are_held_back_keep_no_place_from_a_customer(serve_with: Serve) -> None:
    async with serve_with(max_connections=10) as served:
        for _ in range(ALLOWANCE + 1):
            assert status_of(await served.raw(get_once("/api/v1/tickets"))) in {401, 429}
        flood = await silent(served, 10)
        for _, writer in flood:
            writer.write(get("/api/v1/tickets") * 2)
        assert await still_serves(served)
        await stop(flood)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the kernel watches unread bytes on Linux only")
async def test_a_websocket_whose_reader_stops_is_cut_although_little_waits_for_it(serve_with: Serve) -> None:
    async with serve_with(stream_write_timeout_s=1) as served:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.settimeout(0)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", served.port))
        reader, writer = await asyncio.open_connection(sock=connection)
        writer.write(
            b"GET /api/v1/stream HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\n"
            b"authorization: Bearer %b\r\n\r\n" % served.gateway.key.plain.encode()
        )
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        stop_reading(writer)
        writer.write(frame(b'{"type": "query", "query": "long 12", "user_id": "u1"}'))
        await eventually_async(lambda: served.running == 1 or not served.server.server_state.connections)
        await eventually_async(lambda: not served.server.server_state.connections)
        writer.transport.abort()


def frame(text: bytes) -> bytes:
    """A masked text frame; the mask is zeros, which change nothing."""
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text
