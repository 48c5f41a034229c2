"""SIGTERM to a real process: what runs is finished or handed over, and nobody is cut off without a word."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import orjson
import pytest

from support.eventually import eventually_async
from support.gateway.scripted_gateway import last_words
from support.repository import PROGRAMS, TESTS

PROGRAM = PROGRAMS / "gateway_process.py"
WAIT = {"query": "wait for it", "user_id": "u1"}


@dataclass
class Running:
    process: asyncio.subprocess.Process
    url: str
    client: aiohttp.ClientSession

    async def status(self, path: str) -> int:
        async with self.client.get(self.url + path) as reply:
            return reply.status

    async def until(self, path: str, status: int) -> None:
        async def is_told() -> bool:
            try:
                return await self.status(path) == status
            except aiohttp.ClientConnectionError:
                return False

        await eventually_async(is_told, f"{path} answers {status}")


@asynccontextmanager
async def running(port: int, *, grace_s: float) -> AsyncIterator[Running]:
    pipe, environment = asyncio.subprocess.PIPE, os.environ | {"PYTHONPATH": str(TESTS)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), str(port), str(grace_s), stdout=pipe, env=environment
    )
    try:
        assert process.stdout is not None
        key = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}) as client:
            started = Running(process, f"http://127.0.0.1:{port}", client)
            await started.until("/readyz", 200)
            yield started
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ended(process: asyncio.subprocess.Process) -> int:
    """How many API calls the process audited: the last line it prints, after its clean end."""
    async with asyncio.timeout(20):
        assert process.stdout is not None
        line = await process.stdout.readline()
        await process.wait()
    return int(line)


@pytest.mark.slow
async def test_streams_are_told_where_to_resume_and_new_questions_are_refused(free_port: int) -> None:
    async with running(free_port, grace_s=5) as gateway:
        stream = await gateway.client.post(f"{gateway.url}/api/v1/query/stream", json=WAIT)
        first = (await stream.content.readuntil(b"\n\n")).decode()
        asking = asyncio.create_task(gateway.client.post(f"{gateway.url}/api/v1/query", json=WAIT))
        socket = await gateway.client.ws_connect(f"{gateway.url}/api/v1/stream")
        await socket.send_json(WAIT | {"type": "query"})
        await socket.receive()
        idle = await gateway.client.ws_connect(f"{gateway.url}/api/v1/stream")

        gateway.process.send_signal(signal.SIGTERM)
        await gateway.until("/readyz", 503)
        assert await gateway.status("/livez") == 200
        refused = await gateway.client.post(f"{gateway.url}/api/v1/query", json=WAIT)
        assert refused.status == 503
        assert (await refused.json(content_type=None))["code"] == "draining"
        assert "retry-after" in refused.headers

        last = (await stream.content.read()).decode().strip().split("\n\n")[-1]
        hint = orjson.loads(last.partition("data: ")[2])
        assert hint["step"] == "reconnect"
        assert hint["turn_id"] in first
        reply = await asking
        assert reply.status == 503
        assert "turn_id" in await reply.json(content_type=None)
        assert await ended(gateway.process) >= 4
        frames, code = await last_words(socket)
        assert frames[-1]["data"]["step"] == "reconnect"
        assert code == 1012
        assert await last_words(idle) == ([], 1012)


@pytest.mark.slow
async def test_an_idle_process_ends_at_once_and_writes_its_audit(free_port: int) -> None:
    async with running(free_port, grace_s=60) as gateway:
        for _ in range(3):
            async with gateway.client.post(f"{gateway.url}/api/v1/query", json=WAIT | {"query": "hi"}) as reply:
                assert reply.status == 200
        gateway.process.send_signal(signal.SIGTERM)
        assert await ended(gateway.process) == 3
