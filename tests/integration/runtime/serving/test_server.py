"""The server of a role on real sockets: it answers on both ports, and ends its work before it closes connections."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from starlette.applications import Starlette

from support.eventually import eventually_async
from support.gateway.scripted_gateway import make_settings
from supportplane_runtime.serving.probes import probe_routes
from supportplane_runtime.serving.server import DrainingServer, server_config

STOP_S = 30.0  # at most, on a machine that does much else


class Work:
    """What a role ends before it stops. begun: the server asked it to. ended: set by the test."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()

    async def end(self) -> None:
        self.begun.set()
        await self.ended.wait()


@asynccontextmanager
async def serving(work: Work, *, health_port: int | None = None) -> AsyncIterator[tuple[DrainingServer, int]]:
    async def fine() -> None:
        return

    config = server_config(Starlette(routes=probe_routes(fine)), make_settings())
    server = DrainingServer(config, drain=work.end, health_port=health_port)
    listener = socket.create_server(("127.0.0.1", 0))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        ports = 1 if health_port is None else 2  # uvicorn has started when the first of them listens
        await eventually_async(lambda: server.started and len(server.servers) == ports)
        yield server, listener.getsockname()[1]
    finally:
        server.should_exit = True
        work.ended.set()
        await asyncio.wait_for(running, STOP_S)


async def status(port: int) -> int:
    async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}/livez") as reply:
        return reply.status


async def test_a_role_ends_its_work_before_it_stops_to_answer() -> None:
    work = Work()
    async with serving(work) as (server, port):
        assert not work.begun.is_set()
        server.should_exit = True
        await asyncio.wait_for(work.begun.wait(), STOP_S)
        assert await status(port) == 200


async def test_probers_have_a_port_of_their_own_until_the_end(free_port: int) -> None:
    work = Work()
    async with serving(work, health_port=free_port) as (server, _):
        assert await status(free_port) == 200
        server.should_exit = True
        await asyncio.wait_for(work.begun.wait(), STOP_S)
        assert await status(free_port) == 200
