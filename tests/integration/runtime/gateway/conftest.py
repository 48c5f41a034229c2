"""The gateway behind its real server and real sockets, in the test's own loop, on scripted turns."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from support.eventually import eventually_async
from support.gateway.scripted_gateway import TestGateway, make_gateway
from supportplane_runtime.gateway.server import GatewayServer, build_server


@dataclass
class Served:
    gateway: TestGateway
    server: GatewayServer
    port: int
    client: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> int:
        running: int = self.gateway.app.state.gateway.admission.running
        return running

    async def connect(self, source: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """source: the client's address, any of 127.0.0.0/8."""
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))

    async def raw(self, data: bytes, *, deadline_s: float = 30, source: str = "127.0.0.1") -> bytes:
        """Send bytes as they are and read until the server closes.

        Who refuses does not read everything; if the rest arrives before the close, the kernel resets after the answer.
        """
        reader, writer = await self.connect(source)
        writer.write(data)
        received = b""
        try:
            async with asyncio.timeout(deadline_s):
                with suppress(ConnectionError):
                    while piece := await reader.read(65536):
                        received += piece
        finally:
            writer.close()
        return received


@asynccontextmanager
async def serve(**settings: Any) -> AsyncIterator[Served]:
    async with make_gateway(http_port=1, **settings) as gateway:
        server = build_server(gateway.app, gateway.settings)
        server.config.port = 0
        task = asyncio.create_task(server.serve())
        # Also what came up too late is stopped: left to the garbage collector, its sockets fail some other test.
        try:
            ports = 1 if gateway.settings.health_port is None else 2
            await eventually_async(
                lambda: (server.started and len(server.servers) == ports) or task.done(), deadline_s=60
            )
            port = server.servers[0].sockets[0].getsockname()[1]
            async with aiohttp.ClientSession(headers=gateway.key.headers) as client:
                yield Served(gateway, server, port, client)
        finally:
            gateway.turns.go.set()
            server.should_exit = True
            await task


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serve() as made:
        yield made


@pytest.fixture
def serve_with() -> Callable[..., AbstractAsyncContextManager[Served]]:
    return serve
