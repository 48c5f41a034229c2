"""What a full turn costs, beside the bare FastAPI floor in one run: ``make bench``. Prints a table, asserts no time.

A turn here is everything between a request and its reply: key, limit, retrieval, graph, checkpoint, store, audit. The
model is a stub that writes (writing: Verified) or is not asked (Disabled); PostgreSQL, Redis and the embedding stand in
columns of their own. Floor and turns take rounds in turn and medians of the rounds are printed, because the machine's
speed drifts.
"""

import itertools
import re
import secrets
import sys
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from bench import load
from support.runtime.roles import Roles
from supportplane_cli.embedded.ports import free_port, http_status
from supportplane_cli.embedded.postgres import Postgres
from supportplane_cli.embedded.process import Child, ChildSpec
from supportplane_cli.embedded.redis import Redis
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.store.interfaces.keys import KeyKind
from supportplane_runtime.store.postgres.store import open_store

pytestmark = pytest.mark.timeout(1200)

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
ROUNDS = 5
TURNS_A_ROUND = 120
WARM_UP = 60
CONNECTIONS = (1, 8, 32)
TENANT = "bench"
EMBEDDING_METRIC = "supportplane_embedding_cpu_seconds_total"
QUESTIONS = (
    "How do I rotate an API key",
    "Where does Supportplane keep its data",
    "What happens when the database dies during a turn",
    "How can I use a model server of my own",
    "Which port does the gateway listen on and how do I change it",
    "How do I embed the chat widget in another site",
    "What is a publishable key",
    "How do I back up and restore an agent",
)

AGENT = """
apiVersion: supportplane.io/v1alpha1
kind: SupportAgent
metadata: {{name: bench}}
spec:
  tenant: {{id: {tenant}}}
  template:
    model: {{modelRef: {{name: stub}}, writing: {writing}}}
    knowledge: [{{name: docs}}]
  gateway:
    rateLimits: [{{scope: APIKey, requests: 1000000, window: 1m}}]
---
apiVersion: supportplane.io/v1alpha1
kind: ModelEndpoint
metadata: {{name: stub}}
spec: {{url: "http://127.0.0.1:{model_port}/v1", model: stub}}
---
apiVersion: supportplane.io/v1alpha1
kind: KnowledgeBase
metadata: {{name: docs}}
spec: {{sources: [{{name: docs, path: {docs}}}]}}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A server under measurement. pids count with their children; embedder: who reports the embedding's CPU time."""

    name: str
    port: int
    pids: tuple[int, ...]
    headers: dict[str, str]
    embedder: int | None

    def embedding_cpu_s(self) -> float:
        if self.embedder is None:
            return 0.0
        with urllib.request.urlopen(f"http://127.0.0.1:{self.embedder}/metrics", timeout=5) as reply:
            found = re.search(rf"^{EMBEDDING_METRIC} (\S+)$", reply.read().decode(), re.MULTILINE)
        assert found, f"{EMBEDDING_METRIC} is not among the metrics"
        return float(found[1])


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU seconds of a round, by who spent them."""

    round: load.Round
    server_s: float
    embedding_s: float
    postgres_s: float
    redis_s: float

    def per_turn_ms(self, seconds: float) -> float:
        return 1000 * seconds / self.round.requests


def start(stack: ExitStack, name: str, argv: list[str], folder: Path, environment: dict[str, str]) -> Child:
    spec = ChildSpec(name=name, argv=tuple(argv), log_file=folder / f"{name}.log", environment=environment)
    child = Child(spec)
    stack.callback(child.stop)
    return child


def start_floor(stack: ExitStack, folder: Path) -> Server:
    port = free_port()
    child = start(stack, "floor", [sys.executable, str(HERE / "floor_server.py"), str(port)], folder, {})
    child.wait_ready(lambda: http_status(port, "/openapi.json") == HTTPStatus.OK, deadline_s=60)
    return Server("bare FastAPI", port, (child.pid,), {}, None)


def start_model(stack: ExitStack, folder: Path) -> int:
    port = free_port()
    child = start(stack, "stub-model", [sys.executable, str(HERE / "stub_model.py"), str(port)], folder, {})
    child.wait_ready(lambda: http_status(port, "/v1/models") == HTTPStatus.OK, deadline_s=60)
    return port


async def start_turns(stack: ExitStack, folder: Path, urls: tuple[str, str], *, writing: str) -> list[Server]:
    """The same agent in one process, and as gateway and orchestrator that speak HTTP (ADR 15)."""
    (database_url, redis_url), alone, behind, before = urls, free_port(), free_port(), free_port()
    agent_file = folder / "agent.yaml"
    agent_file.write_text(
        AGENT.format(tenant=TENANT, writing=writing, model_port=start_model(stack, folder), docs=DOCS)
    )
    environment = {
        "SUPPORTPLANE_AGENT_FILE": str(agent_file),
        "SUPPORTPLANE_DATA_DIR": str(folder),
        "SUPPORTPLANE_DATABASE_URL": database_url,
        "SUPPORTPLANE_REDIS_URL": redis_url,
        "SUPPORTPLANE_ORCHESTRATOR_URL": f"http://127.0.0.1:{behind}",
        "SUPPORTPLANE_LOG_LEVEL": "WARNING",
    }
    roles = Roles(stack, folder, environment)
    roles.run("knowledge")
    whole = roles.serve("serve", port=alone)
    halves = [roles.serve(role, port=port) for role, port in (("orchestrator", behind), ("gateway", before))]
    headers = {"authorization": f"Bearer {await create_key(database_url)}"}
    return [
        Server(f"turn, writing: {writing}", alone, (whole.pid,), headers, alone),
        Server(f"the same over HTTP, {writing}", before, tuple(each.pid for each in halves), headers, behind),
    ]


async def create_key(database_url: str) -> str:
    store = await open_store(database_url, pool_size=1)
    try:
        scopes = frozenset({Scope.INVOKE})
        _, plain = await store.keys.create(TENANT, "bench", kind=KeyKind.SECRET, scopes=scopes, origins=())
    finally:
        await store.close()
    return plain


def bodies(count: int) -> list[dict[str, str]]:
    """Questions that differ from all before, so that no embedding is remembered."""
    users = (f"user-{n % 50}" for n in itertools.count())
    questions = itertools.islice(itertools.cycle(QUESTIONS), count)
    return [{"query": f"{each} ({secrets.token_hex(2)})?", "user_id": next(users)} for each in questions]


async def measure(server: Server, parts: tuple[Postgres, Redis], *, connections: int) -> Measured:
    groups = [server.pids, (parts[0].child.pid,), (parts[1].child.pid,)]
    before, embedded = [load.cpu_seconds(pids) for pids in groups], server.embedding_cpu_s()
    url = f"http://127.0.0.1:{server.port}/api/v1/query"
    result = await load.run_round(url, bodies(TURNS_A_ROUND), server.headers, connections=connections)
    embedding_s = server.embedding_cpu_s() - embedded
    spent = [load.cpu_seconds(pids) - earlier for pids, earlier in zip(groups, before, strict=True)]
    return Measured(result, spent[0] - embedding_s, embedding_s, spent[1], spent[2])


def table_of(results: dict[tuple[int, str], list[Measured]]) -> Table:
    table = Table(title=f"CPU-ms a request, medians of {ROUNDS} rounds of {TURNS_A_ROUND}")
    for column in (
        "connections",
        "server",
        "own",
        "embedding",
        "PostgreSQL",
        "Redis",
        "requests/s",
        "p50",
        "p95",
        "bad",
    ):
        table.add_column(column, justify="left" if column == "server" else "right")
    for (connections, name), rounds in results.items():
        table.add_row(
            str(connections),
            name,
            *(
                f"{load.median(one.per_turn_ms(getattr(one, part)) for one in rounds):.2f}"
                for part in ("server_s", "embedding_s", "postgres_s", "redis_s")
            ),
            f"{load.median(one.round.rate for one in rounds):.0f}",
            f"{load.median(one.round.percentile_ms(0.5) for one in rounds):.0f} ms",
            f"{load.median(one.round.percentile_ms(0.95) for one in rounds):.0f} ms",
            str(sum(one.round.failed for one in rounds)),
        )
    return table


async def test_turn_cost(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    migrated_database_url: str,
    redis_url: str,
    postgres_server: Postgres,
    redis_server: Redis,
) -> None:
    parts, urls = (postgres_server, redis_server), (migrated_database_url, redis_url)
    with ExitStack() as stack:
        servers = [start_floor(stack, tmp_path)]
        for writing in ("Disabled", "Verified"):
            folder = tmp_path_factory.mktemp(writing)
            servers.extend(await start_turns(stack, folder, urls, writing=writing))
        for server in servers:
            url = f"http://127.0.0.1:{server.port}/api/v1/query"
            await load.run_round(url, bodies(WARM_UP), server.headers, connections=8)
        results: dict[tuple[int, str], list[Measured]] = {}
        for connections in CONNECTIONS:
            for server in servers * ROUNDS:
                measured = await measure(server, parts, connections=connections)
                results.setdefault((connections, server.name), []).append(measured)
    Console(width=140).print(table_of(results))
    assert all(one.round.failed == 0 for rounds in results.values() for one in rounds)
