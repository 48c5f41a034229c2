"""A client that means harm, in a process of its own: ``python flood.py KIND PORT SECONDS``; headers as JSON on stdin.

Talks to 127.0.0.1 only, with a bounded number of connections, and ends by itself. What the server closes is opened
again after a moment, except in the floods named ONCE. Used by test_connection_floods.py.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeAlias

import aiohttp

AGAIN_S = 5.0  # a flooder in one process that tries 1,000 connections so often takes a core of its own already
ONCE = frozenset({"sockets"})  # floods that do not come back when they are refused
PIPELINED = 400
Visit: TypeAlias = Coroutine[Any, Any, None]


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()


async def say_nothing(port: int, source: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        await reader.read()
    finally:
        writer.transport.abort()


async def read_nothing(port: int, source: str) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a socket's transport
        for _ in range(PIPELINED // 20):
            writer.write(get("/openapi.json") * 20)
            await writer.drain()
        while True:  # a write tells whether the server has gone; what it sends is never read
            await asyncio.sleep(1)
            writer.write(b"\r\n")
            await writer.drain()
    finally:
        writer.transport.abort()


async def ask_without_key(port: int, source: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        while True:
            writer.write(get("/api/v1/tickets"))
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(length)
    finally:
        writer.transport.abort()


def idle_socket(session: aiohttp.ClientSession) -> Callable[[int, str], Visit]:
    async def visit(port: int, _source: str) -> None:
        async with session.ws_connect(f"http://127.0.0.1:{port}/api/v1/stream") as socket:
            await socket.receive()

    return visit


async def be_a_flooder(visit: Callable[[int, str], Visit], port: int, source: str, *, comes_back: bool) -> None:
    while True:
        with suppress(OSError, asyncio.IncompleteReadError, aiohttp.ClientError):
            await visit(port, source)
        if not comes_back:
            return
        await asyncio.sleep(AGAIN_S)


def sources(count: int) -> list[str]:
    return [f"127.0.{1 + n // 200}.{1 + n % 200}" for n in range(count)]


async def main(kind: str, port: int, seconds: float, headers: dict[str, str]) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        kinds: dict[str, tuple[Callable[[int, str], Visit], list[str]]] = {
            "silent": (say_nothing, ["127.0.0.1"] * 800),
            "silent-40": (say_nothing, sources(40) * 20),
            "unread": (read_nothing, ["127.0.0.1"] * 400),
            "sockets": (idle_socket(session), ["127.0.0.1"] * 1000),
            "sockets-again": (idle_socket(session), ["127.0.0.1"] * 1000),
            "refused": (ask_without_key, ["127.0.0.1"] * 64),
        }
        visit, addresses = kinds[kind]
        comes_back = kind not in ONCE
        visits = [asyncio.create_task(be_a_flooder(visit, port, source, comes_back=comes_back)) for source in addresses]
        await asyncio.sleep(seconds)
        for each in visits:
            each.cancel()
        await asyncio.gather(*visits, return_exceptions=True)


if __name__ == "__main__":
    os.nice(19)  # a flooder has a machine of its own, so that it takes no processor from the one that it floods
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), json.load(sys.stdin)))
