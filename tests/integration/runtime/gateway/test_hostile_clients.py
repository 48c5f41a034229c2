"""Clients that do not play by the rules, over raw sockets: each costs the server little and the others nothing."""

import asyncio
import base64
import gzip
import io
import os
import struct
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import orjson
import psutil
import pytest

from support.eventually import eventually_async

Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[Any]]
ASK = {"query": "How do I rotate an API key?", "user_id": "u1"}
HEAD = b"POST /api/v1/query HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
# How long a request may take to arrive. Whole ones have to meet it, too, on a busy machine.
ARRIVAL_S = 2

HOSTED = (b"/health", b"/livez", b"/readyz")


def authorized(served: Any) -> bytes:
    return HEAD + f"authorization: Bearer {served.gateway.key.plain}\r\n".encode()


def stop_reading(writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()


def status_of(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


async def still_serves(served: Any) -> bool:
    async with served.client.post(f"{served.url}/api/v1/query", json=ASK) as reply:
        return bool(reply.status == 200)


async def test_headers_that_trickle_in_are_cut_off(serve_with: Serve) -> None:
    async with serve_with(request_timeout_s=ARRIVAL_S) as served:
        begun = (b"", b"GET /livez HT", b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ")
        for response in await asyncio.gather(*(served.raw(sent) for sent in begun)):
            assert status_of(response) == 408
            assert orjson.loads(response.partition(b"\r\n\r\n")[2])["code"] == "request-timeout"
        assert await still_serves(served)


async def test_a_body_that_trickles_in_is_cut_off(serve_with: Serve) -> None:
    async with serve_with(request_timeout_s=ARRIVAL_S) as served:
        response = await served.raw(authorized(served) + b'content-length: 100\r\n\r\n{"query')
        assert status_of(response) == 408
        assert await still_serves(served)


async def test_a_slow_answer_is_not_a_slow_request(serve_with: Serve) -> None:
    async with serve_with(request_timeout_s=ARRIVAL_S) as served:
        asking = asyncio.create_task(served.client.post(f"{served.url}/api/v1/query", json=ASK | {"query": "wait"}))
        await eventually_async(lambda: served.running == 1)
        assert status_of(await served.raw(b"GET")) == 408  # the time a request may take to arrive has passed
        served.gateway.turns.go.set()
        assert (await asking).status == 200


async def test_headers_without_end_are_refused(served: Any) -> None:
    flood = b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n" + b"".join(
        b"x-%d: %s\r\n" % (n, b"y" * 100) for n in range(1000)
    )
    assert status_of(await served.raw(flood)) == 431
    assert status_of(await served.raw(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: x\r\n")) == 431
    assert await still_serves(served)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 1000 + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        *(b"GET %b HTTP/1.1\r\n\r\n" % path for path in HOSTED),
        *(b"GET %b HTTP/1.1\r\nhost: 127.0.0.1\r\nhost: evil.example\r\n\r\n" % path for path in HOSTED),
        b"GET /\xff\xfe HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/v1/query HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /api/v1/query HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_is_not_http_is_a_4xx_and_a_closed_connection(serve_with: Serve, garbage: bytes) -> None:
    async with serve_with(request_timeout_s=ARRIVAL_S) as served:
        reader, writer = await served.connect()
        try:
            writer.write(garbage)
            async with asyncio.timeout(10):
                head = await reader.readuntil(b"\r\n")
        finally:
            writer.close()
        assert 400 <= status_of(head) < 500
        assert await still_serves(served)


async def test_a_probe_of_a_load_balancer_needs_no_host_in_http_1_0(served: Any) -> None:
    assert status_of(await served.raw(b"GET /livez HTTP/1.0\r\n\r\n")) == 200
    assert status_of(await served.raw(b"GET /health HTTP/1.0\r\n\r\n")) == 400


async def test_ten_megabytes_in_chunks_are_refused_and_not_kept(served: Any) -> None:
    async def body() -> Any:
        for _ in range(160):
            yield b"x" * 65536

    before = psutil.Process().memory_info().rss
    url, headers = f"{served.url}/api/v1/query", {"content-type": "application/json"}
    for _ in range(5):
        async with served.client.post(url, data=body(), headers=headers) as reply:
            assert reply.status == 413
            assert (await reply.json(content_type=None))["code"] == "too-large"
    assert psutil.Process().memory_info().rss - before < 20 * 2**20
    assert await still_serves(served)


async def test_ten_megabytes_with_a_length_are_refused_and_the_client_hears_it(served: Any) -> None:
    for start in (b"x", b'{"query": "'):
        data = io.BytesIO(start + b"x" * 10_000_000)
        async with served.client.post(
            f"{served.url}/api/v1/query", data=data, headers={"content-type": "application/json"}
        ) as reply:
            assert reply.status == 413
    response = await served.raw(authorized(served) + b"connection: close\r\ncontent-length: 10000000\r\n\r\n")
    assert status_of(response) == 413


async def test_a_gzip_bomb_stays_packed(served: Any) -> None:
    bomb = gzip.compress(b"x" * 10_000_000)
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    async with served.client.post(f"{served.url}/api/v1/query", data=bomb, headers=headers) as reply:
        assert reply.status == 415


# ---- below the frames of a WebSocket


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    first = (0x80 if fin else 0) | reserved | opcode
    length = len(payload)
    size = bytes([length]) if length < 126 else struct.pack("!BH", 126, length)
    if not masked:
        return bytes([first]) + size + payload
    mask = os.urandom(4)
    body = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes([first, size[0] | 0x80]) + size[1:] + mask + body


async def open_socket(served: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await served.connect()
    nonce = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        (
            "GET /api/v1/stream HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            f"sec-websocket-key: {nonce}\r\nsec-websocket-version: 13\r\n"
            f"authorization: Bearer {served.gateway.key.plain}\r\n\r\n"
        ).encode()
    )
    async with asyncio.timeout(10):
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def close_code(reader: asyncio.StreamReader) -> int | None:
    """Of the close frame among the server's frames; None when the connection ends without one."""
    async with asyncio.timeout(10):
        while True:
            try:
                first, second = await reader.readexactly(2)
                length = second & 0x7F
                if length == 126:
                    length = struct.unpack("!H", await reader.readexactly(2))[0]
                payload = await reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
            if first & 0x0F == 0x8:
                return int(struct.unpack("!H", payload[:2])[0])


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(0x1, b"{}", masked=False), 1002),
        (frame(0x3, b"{}"), 1002),
        (frame(0x1, b"{}", reserved=0x40), 1002),
        (frame(0x0, b"{}"), 1002),
        (frame(0x9, b"x" * 126), 1002),
        (frame(0x8, b"\x00"), 1002),
        (frame(0x8, struct.pack("!H", 999)), 1002),
        (frame(0x1, b"\xff\xfe"), 1007),
        (frame(0x2, b"{}"), 1003),
        (frame(0x1, b"x" * 40_000, fin=False) + frame(0x0, b"x" * 40_000), 1009),
        (frame(0x1, b"", fin=False) + frame(0x0, b"", fin=False) * 1500, 1009),
        (frame(0x9) * 1500, 1008),
    ],
    ids=[
        "unmasked",
        "reserved opcode",
        "reserved bit",
        "continuation of nothing",
        "too long a ping",
        "half a close code",
        "a close code that is none",
        "bad UTF-8",
        "binary",
        "fragments beyond the size",
        "empty fragments",
        "pings",
    ],
)
async def test_a_broken_protocol_is_closed_with_its_code(served: Any, sent: bytes, code: int) -> None:
    reader, writer = await open_socket(served)
    writer.write(sent)
    assert await close_code(reader) == code
    writer.close()
    await eventually_async(lambda: not served.server.server_state.connections)
    assert await still_serves(served)


async def test_pings_of_a_client_that_reads_nothing_do_not_pile_up(served: Any) -> None:
    reader, writer = await open_socket(served)
    stop_reading(writer)
    before = psutil.Process().memory_info().rss
    try:
        for _ in range(200):
            writer.write(frame(0x9, b"p" * 125) * 500)
            await asyncio.wait_for(writer.drain(), 10)
    except (ConnectionError, TimeoutError):
        pass
    await eventually_async(lambda: not served.server.server_state.connections)
    assert psutil.Process().memory_info().rss - before < 30 * 2**20
    assert reader is not None
    writer.transport.abort()


async def test_a_turn_goes_on_when_its_socket_breaks_the_protocol(served: Any) -> None:
    reader, writer = await open_socket(served)
    writer.write(frame(0x1, orjson.dumps({"type": "query", "query": "wait", "user_id": "u1"})))
    await eventually_async(lambda: served.running == 1)
    writer.write(frame(0x3, b"{}"))
    assert await close_code(reader) == 1002
    writer.close()
    served.gateway.turns.go.set()
    await eventually_async(lambda: served.running == 0)
