"""The roles of a cluster as processes: they wait for the database, work together, and outlive each other."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import psycopg
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey
from psycopg import sql

from support.runtime.quoting_agent import quoting_agent
from support.runtime.roles import Roles, is_ready
from supportplane_cli.embedded.ports import free_port
from supportplane_cli.embedded.postgres import Postgres
from supportplane_cli.embedded.process import Child
from supportplane_runtime.store.credentials import mint_key
from supportplane_runtime.store.interfaces.keys import KeyKind
from supportplane_runtime.store.postgres.store import open_store

pytestmark = pytest.mark.slow

GUIDE = (
    "# Returns\n\nTo return a parcel, print the return label in your account and hand the parcel in at a post office.\n"
)
QUESTION = "How do I return a parcel?"
OPERATOR = OKPKey.generate_key("Ed25519", {"kid": "k"})
AUDIENCE = "shops/shop"
VISITOR_SECRET = "ab" * 32


class Cluster:
    """One agent in roles, on a database that nobody has migrated when they start."""

    def __init__(self, stack: ExitStack, folder: Path, database_url: str, redis_url: str) -> None:
        self.key = mint_key(KeyKind.SECRET)
        self.database_url = database_url
        self.port, self.behind = free_port(), free_port()
        self.keys = folder / "keys"
        self.guide = folder / "guide"
        self._write(folder)
        common = {
            "AGENT_FILE": folder / "agent.yaml",
            "DATA_DIR": folder / "data",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "ORCHESTRATOR_URL": f"http://127.0.0.1:{self.behind}",
            "API_KEYS_DIR": self.keys,
            "OPERATOR_JWKS_FILE": folder / "operator.jwks.json",
            "STATUS_AUDIENCE": AUDIENCE,
            "REVISION": "0123456789",
        }
        environment = {f"SUPPORTPLANE_{name}": str(value) for name, value in common.items()}
        self.roles = Roles(stack, folder, environment)

    def _write(self, folder: Path) -> None:
        for each in (self.keys, self.guide, folder / "data" / "passwords"):
            each.mkdir(parents=True)
        (self.guide / "returns.md").write_text(GUIDE)
        (self.keys / "web-shop").write_text(self.key)
        (folder / "data" / "passwords" / "visitor-secret").write_text(VISITOR_SECRET)
        (folder / "agent.yaml").write_text(quoting_agent(self.guide, name="shop", tenant="acme"))
        (folder / "operator.jwks.json").write_bytes(orjson.dumps(KeySet([OPERATOR]).as_dict(private=False)))

    def start_all(self) -> tuple[Child, Child]:
        """Before the migration; then what a cluster runs besides."""
        gateway = self.roles.start("gateway", port=self.port)
        orchestrator = self.roles.start("orchestrator", port=self.behind)
        self.roles.run("migrate")
        self.roles.run("knowledge")
        orchestrator.wait_ready(lambda: is_ready(self.behind), deadline_s=90)
        gateway.wait_ready(lambda: is_ready(self.port), deadline_s=90)
        return gateway, orchestrator

    async def ask(self) -> tuple[int, dict[str, Any]]:
        body, headers = {"query": QUESTION, "user_id": "ada"}, {"authorization": f"Bearer {self.key}"}
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{self.port}/api/v1/query"
            async with session.post(url, json=body, headers=headers) as reply:
                return reply.status, await reply.json(content_type=None)

    def let_read(self) -> None:
        """As docs/how-to/read-feedback.md says: keys of the folder may only ask."""
        with psycopg.connect(self.database_url) as connection:
            statement = "UPDATE api_keys SET scopes = '{invoke,read}' WHERE tenant = 'acme' AND name = 'web-shop'"
            assert connection.execute(statement).rowcount == 1

    async def status(self) -> dict[str, Any]:
        claims = {"iss": "supportplane-operator", "aud": AUDIENCE, "exp": int(time.time()) + 60}
        token = jwt.encode({"alg": "Ed25519", "kid": "k"}, claims, OPERATOR, algorithms=["Ed25519"])
        url, headers = f"http://127.0.0.1:{self.port}/internal/v1/status", {"authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as reply:
            assert reply.status == 200
            found: dict[str, Any] = await reply.json()
            return found

    async def parts(self) -> dict[str, bool | None]:
        return {part["name"]: part["ok"] for part in (await self.status())["components"]}

    async def comes_to_tell(self, expected: dict[str, bool | None]) -> None:
        """Findings stand for a second, each from its own moment, and on a busy machine a part may be late for once."""
        found = await self.parts()
        with suppress(TimeoutError):
            async with asyncio.timeout(60):
                while found != expected:
                    await asyncio.sleep(0.05)
                    found = await self.parts()
        assert found == expected

    async def comes_to_refuse(self, *names: str) -> None:
        """Each says that the server refuses it, not that it took too long or is not known."""
        async with asyncio.timeout(60):
            while True:
                details = {part["name"]: part["detail"] for part in (await self.status())["components"]}
                if all("refuses the connection" in details[name] for name in names):
                    return
                await asyncio.sleep(0.05)


@pytest.fixture
def cluster(tmp_path: Path, make_database: Callable[[], str], redis_url: str) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(stack, tmp_path, make_database(), redis_url)


async def test_the_roles_wait_for_the_schema_and_then_answer_customer_and_operator(
    cluster: Cluster, postgres_server: Postgres
) -> None:
    _, orchestrator = cluster.start_all()
    # Documents are the knowledge job's only: who serves does not miss them.
    (cluster.guide / "returns.md").unlink()
    cluster.guide.rmdir()

    code, reply = await cluster.ask()
    assert (code, reply["outcome"]) == (200, "answered")
    own: dict[str, bool | None] = {"database": True, "schema": True, "cache": True}
    # The model is asked although answers do not need it.
    await cluster.comes_to_tell({**own, "orchestrator": True, "model": False, "knowledge": True})
    status = await cluster.status()
    assert (status["revision"], status["mode"]) == ("0123456789", "Auto")
    told = {"embedding": "MiniLM-L6-v2", "next_embedding": "", "embedded": 0}
    counted = {"name": "guide", "documents": 1, "chunks": 1, "skipped": 0, "failed": False}
    assert status["knowledge"] == [counted | told]
    await visitor_secret_was_taken_over(cluster)

    orchestrator.kill()
    code, reply = await cluster.ask()
    assert (code, reply["code"]) == (503, "unavailable")
    await cluster.comes_to_tell({**own, "orchestrator": False, "model": None, "knowledge": None})

    cluster.roles.serve("orchestrator", port=cluster.behind)
    code, reply = await cluster.ask()
    assert (code, reply["outcome"]) == (200, "answered")

    shut_to_all(postgres_server, cluster.database_url)
    await cluster.comes_to_refuse("database", "schema")


def shut_to_all(server: Postgres, url: str) -> None:
    name = url.rpartition("/")[2]
    with psycopg.connect(server.url("postgres", superuser=True), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


async def visitor_secret_was_taken_over(cluster: Cluster) -> None:
    store = await open_store(cluster.database_url, pool_size=1)
    try:
        assert await store.shared_secrets.secret("acme", "visitors") == VISITOR_SECRET
    finally:
        await store.close()


async def test_feedback_is_read_and_counted_under_the_agent_and_the_revision_that_answered(cluster: Cluster) -> None:
    cluster.start_all()
    _, reply = await cluster.ask()
    base, headers = f"http://127.0.0.1:{cluster.port}", {"authorization": f"Bearer {cluster.key}"}
    cluster.let_read()
    counted = 'supportplane_feedback_total{agent="shop",rating="down",revision="0123456789"}'
    async with aiohttp.ClientSession(headers=headers) as session:

        async def get(path: str) -> str:
            """Once it is allowed: the gateway remembers a key's scopes for 5 seconds."""
            async with asyncio.timeout(60):
                while True:
                    async with session.get(base + path) as found:
                        if found.status != 403:
                            assert found.status == 200, await found.text()
                            return await found.text()
                    await asyncio.sleep(0.05)

        assert f"{counted} 0.0" in await get("/metrics")
        body = {"turn_id": reply["turn_id"], "rating": "down"}
        async with session.post(f"{base}/api/v1/feedback", json=body) as rated:
            assert rated.status == 204, await rated.text()
        assert f"{counted} 1.0" in await get("/metrics")
        (item,) = orjson.loads(await get("/api/v1/feedback"))["items"]
        (document,) = orjson.loads(await get("/api/v1/feedback/documents"))["items"]
    assert (item["agent"], item["revision"], item["question"]) == ("shop", "0123456789", QUESTION)
    assert (document["document_id"], document["answers"], document["down"]) == ("guide/returns.md", 1, 1)


async def test_serving_roles_end_in_order_when_told(cluster: Cluster) -> None:
    for child in cluster.start_all():
        child.stop()
        assert child.exit_code == 0, child.log_tail()


def test_a_gateway_without_an_address_of_orchestrators_says_so(cluster: Cluster) -> None:
    del cluster.roles.environment["SUPPORTPLANE_ORCHESTRATOR_URL"]
    child = cluster.roles.start("gateway", port=cluster.port)
    assert child.wait(timeout_s=60) == 1
    assert "SUPPORTPLANE_ORCHESTRATOR_URL" in child.log_tail()


async def test_the_model_role_needs_nothing_but_its_port(tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as stack:
        child = Roles(stack, tmp_path, {}).start("model", port=port)
        child.wait_ready(lambda: is_ready(port, "/health"), deadline_s=60)
        body = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4}
        async with aiohttp.ClientSession() as session:
            async with session.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body) as reply:
                assert reply.status == 200
            async with session.get(f"http://127.0.0.1:{port}/v1/models") as reply:
                assert "SmolLM2-135M-Instruct" in await reply.text()
        child.stop()
        assert child.exit_code == 0
