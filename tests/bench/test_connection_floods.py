"""What floods of connections do to an honest client: ``make bench``. Prints a table, asserts no time.

Floods and client share one address and one process of the role serve, as on a laptop. The client asks questions one
after another, half of them on a new connection; beside it /livez is asked on new connections, as a prober does.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil
import psycopg
import pytest
from rich.console import Console
from rich.table import Table

from support.runtime.roles import Roles
from supportplane_cli.embedded.ports import free_port
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.store.interfaces.keys import KeyKind
from supportplane_runtime.store.postgres.store import open_store

pytestmark = pytest.mark.timeout(1200)

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "faq"  # little: reading it is not what is measured
ORIGIN = "https://shop.example"
TENANT = "bench"
FLOODS = tuple(os.environ.get("FLOODS", "silent silent-40 unread sockets sockets-again refused").split())
SECONDS = float(os.environ.get("FLOOD_SECONDS", "30"))
SETTLE_S = 3.0  # until all connections of a flood are open
PAUSE_S = 0.02  # between two questions: a person types
LIVEZ_EVERY_S = 0.2
TIMEOUT_S = 10.0

AGENT = f"""
apiVersion: supportplane.io/v1alpha1
kind: SupportAgent
metadata: {{name: bench}}
spec:
  tenant: {{id: {TENANT}}}
  template:
    model: {{modelRef: {{name: none}}, writing: Disabled}}
    knowledge: [{{name: docs}}]
  gateway:
    rateLimits: [{{scope: APIKey, requests: 1000000, window: 1m}}]
---
apiVersion: supportplane.io/v1alpha1
kind: ModelEndpoint
metadata: {{name: none}}
spec: {{url: "http://127.0.0.1:9/v1", model: none}}
---
apiVersion: supportplane.io/v1alpha1
kind: KnowledgeBase
metadata: {{name: docs}}
spec: {{sources: [{{name: docs, path: {DOCS}}}]}}
"""


@dataclass
class Seen:
    """By the honest client, under one flood. Times in seconds."""

    latencies_s: list[float] = field(default_factory=list)
    failed: int = 0
    livez: int = 0
    livez_failed: int = 0
    livez_worst_s: float = 0.0
    memory_mib: float = 0.0
    disk_kib: float = 0.0  # of the database and the log, by which both have grown

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies_s) or [float("nan")]
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def ask(seen: Seen, session: aiohttp.ClientSession, url: str) -> None:
    body = {"query": f"How do I rotate an API key ({secrets.token_hex(2)})?", "user_id": "honest"}
    started = time.perf_counter()
    try:
        async with session.post(f"{url}/api/v1/query", json=body) as reply:
            await reply.read()
            is_fine = reply.status == 200
    except (aiohttp.ClientError, TimeoutError):
        is_fine = False
    seen.latencies_s.append(time.perf_counter() - started)
    seen.failed += not is_fine


async def be_a_customer(seen: Seen, url: str, headers: dict[str, str], until: float) -> None:
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as kept:
        while time.perf_counter() < until:
            await ask(seen, kept, url)
            await asyncio.sleep(PAUSE_S)
            async with aiohttp.ClientSession(headers=headers, timeout=timeout) as fresh:
                await ask(seen, fresh, url)
            await asyncio.sleep(PAUSE_S)


async def be_a_prober(seen: Seen, url: str, until: float) -> None:
    timeout = aiohttp.ClientTimeout(total=3)
    while time.perf_counter() < until:
        started = time.perf_counter()
        seen.livez += 1
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{url}/livez") as reply:
                seen.livez_failed += reply.status != 200
        except (aiohttp.ClientError, TimeoutError):
            seen.livez_failed += 1
        seen.livez_worst_s = max(seen.livez_worst_s, time.perf_counter() - started)
        await asyncio.sleep(LIVEZ_EVERY_S)


@asynccontextmanager
async def flooding(kind: str | None, port: int, headers: dict[str, str]) -> AsyncIterator[None]:
    if kind is None:
        yield
        return
    argv = (sys.executable, str(HERE / "flood.py"), kind, str(port), str(2 * SECONDS + 60))
    process = await asyncio.create_subprocess_exec(*argv, stdin=asyncio.subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps(headers).encode())
    process.stdin.close()
    try:
        await asyncio.sleep(SETTLE_S)
        yield
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@dataclass(frozen=True)
class Gateway:
    """keys: the headers of the honest client, and those of the flooder."""

    port: int
    pid: int
    log: Path
    database_url: str
    keys: tuple[dict[str, str], dict[str, str]]

    async def disk_kib(self) -> float:
        async with await psycopg.AsyncConnection.connect(self.database_url) as connection:
            found = await (await connection.execute("SELECT pg_database_size(current_database())")).fetchone()
        assert found is not None
        return (int(found[0]) + self.log.stat().st_size) / 1024


async def measure(kind: str | None, gateway: Gateway) -> Seen:
    seen, url = Seen(), f"http://127.0.0.1:{gateway.port}"
    before_kib = await gateway.disk_kib()
    async with flooding(kind, gateway.port, gateway.keys[1]):
        until = time.perf_counter() + SECONDS
        await asyncio.gather(be_a_customer(seen, url, gateway.keys[0], until), be_a_prober(seen, url, until))
        seen.memory_mib = psutil.Process(gateway.pid).memory_info().rss / 2**20
    seen.disk_kib = await gateway.disk_kib() - before_kib
    return seen


async def create_keys(database_url: str) -> tuple[str, str]:
    """A secret key, and a widget's."""
    scopes = frozenset({Scope.INVOKE})
    store = await open_store(database_url, pool_size=1)
    try:
        _, secret = await store.keys.create(TENANT, "bench", kind=KeyKind.SECRET, scopes=scopes, origins=())
        _, widget = await store.keys.create(
            TENANT, "widget", kind=KeyKind.PUBLISHABLE, scopes=scopes, origins=(ORIGIN,)
        )
    finally:
        await store.close()
    return secret, widget


async def visitor(port: int, key: str) -> dict[str, str]:
    headers = {"origin": ORIGIN, "authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"http://127.0.0.1:{port}/api/v1/visitors") as reply,
    ):
        return headers | {"x-visitor-token": (await reply.json())["visitor_token"]}


def table_of(results: dict[str, Seen]) -> Table:
    table = Table(title=f"An honest client during {SECONDS:g} s of a flood")
    for column in ("flood", "questions", "bad", "p50", "p95", "livez", "livez bad", "livez worst", "MiB", "disk"):
        table.add_column(column, justify="left" if column == "flood" else "right")
    for name, seen in results.items():
        table.add_row(
            name,
            str(len(seen.latencies_s)),
            str(seen.failed),
            f"{seen.percentile_ms(0.5):.0f} ms",
            f"{seen.percentile_ms(0.95):.0f} ms",
            str(seen.livez),
            str(seen.livez_failed),
            f"{1000 * seen.livez_worst_s:.0f} ms",
            f"{seen.memory_mib:.0f}",
            f"{seen.disk_kib:.0f} KiB",
        )
    return table


async def test_connection_floods(tmp_path: Path, migrated_database_url: str, redis_url: str) -> None:
    agent_file = tmp_path / "agent.yaml"
    agent_file.write_text(AGENT)
    environment = {
        "SUPPORTPLANE_AGENT_FILE": str(agent_file),
        "SUPPORTPLANE_DATA_DIR": str(tmp_path),
        "SUPPORTPLANE_DATABASE_URL": migrated_database_url,
        "SUPPORTPLANE_REDIS_URL": redis_url,
        "SUPPORTPLANE_LOG_LEVEL": "ERROR",
    }
    with ExitStack() as stack:
        roles, port = Roles(stack, tmp_path, environment), free_port()
        roles.run("knowledge")
        process = roles.serve("serve", port=port)
        secret, widget = await create_keys(migrated_database_url)
        keys = {"authorization": f"Bearer {secret}"}, await visitor(port, widget)
        gateway = Gateway(port, process.pid, process.spec.log_file, migrated_database_url, keys)
        await measure(None, gateway)  # warms caches
        results = {"none": await measure(None, gateway)}
        for kind in FLOODS:
            results[kind] = await measure(kind, gateway)
        results["none, after"] = await measure(None, gateway)
    Console(width=140).print(table_of(results))
    assert all(results[name].livez_failed == 0 for name in results)
