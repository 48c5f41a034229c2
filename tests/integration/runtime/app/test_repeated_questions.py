"""Answers to equal questions are shared by the processes of an agent, gone with the next reading, and no need."""

import os
import re
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from support.runtime.quoting_agent import quoting_agent
from support.runtime.roles import Roles
from supportplane_cli.embedded.ports import free_port
from supportplane_cli.embedded.redis import Redis, RedisSpec
from supportplane_runtime.store.credentials import mint_key
from supportplane_runtime.store.interfaces.keys import KeyKind

pytestmark = pytest.mark.slow

GUIDE = "# Returns\n\nTo return a parcel, print the return label in your account and hand the parcel in at a {place}.\n"


class Shop:
    """One agent, served by two processes on one database and one Redis."""

    def __init__(self, stack: ExitStack, folder: Path, database_url: str, redis_url: str) -> None:
        self.tenant = f"acme-{secrets.token_hex(4)}"
        self.database_url = database_url
        self.key = mint_key(KeyKind.SECRET)
        self.guide = folder / "guide"
        keys = folder / "keys"
        for each in (self.guide, keys, folder / "data"):
            each.mkdir()
        (keys / "web-shop").write_text(self.key)
        (folder / "agent.yaml").write_text(quoting_agent(self.guide, name="shop", tenant=self.tenant))
        environment = {
            "SUPPORTPLANE_AGENT_FILE": str(folder / "agent.yaml"),
            "SUPPORTPLANE_DATA_DIR": str(folder / "data"),
            "SUPPORTPLANE_DATABASE_URL": database_url,
            "SUPPORTPLANE_REDIS_URL": redis_url,
            "SUPPORTPLANE_API_KEYS_DIR": str(keys),
        }
        self.roles = Roles(stack, folder, environment)
        self.read("post office")
        self.ports = [free_port(), free_port()]
        for port in self.ports:
            self.roles.serve("serve", port=port)

    def read(self, place: str) -> None:
        """The documents, which name another place now."""
        (self.guide / "returns.md").write_text(GUIDE.format(place=place))
        self.roles.run("knowledge")

    async def ask(self, process: int, question: str = "How do I return a parcel?") -> dict[str, Any]:
        body, headers = {"query": question, "user_id": "ada"}, {"authorization": f"Bearer {self.key}"}
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{self.ports[process]}/api/v1/query"
            async with session.post(url, json=body, headers=headers) as reply:
                assert reply.status == 200, await reply.text()
                found: dict[str, Any] = await reply.json()
        return found

    async def rate(self, process: int, turn_id: str, rating: str) -> None:
        headers, body = {"authorization": f"Bearer {self.key}"}, {"turn_id": turn_id, "rating": rating}
        url = f"http://127.0.0.1:{self.ports[process]}/api/v1/feedback"
        async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as reply:
            assert reply.status == 204, await reply.text()

    async def hits(self, process: int) -> int:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.ports[process]}/metrics") as reply,
        ):
            text = await reply.text()
        counted = re.search(r'^supportplane_kept_answers_total{result="hit"} (\S+)$', text, re.MULTILINE)
        assert counted
        return int(float(counted[1]))

    def stored(self) -> list[tuple[Any, ...]]:
        """Of each turn: its answer, how many documents it cites, how many entries tell of its end."""
        statement = """
            SELECT m.content,
                (SELECT count(*) FROM citations c WHERE c.tenant = t.tenant AND c.turn_id = t.turn_id),
                (SELECT count(*) FROM audit a WHERE a.tenant = t.tenant AND a.action = 'turn.end'
                    AND a.facts ->> 'turn_id' = t.turn_id::text)
            FROM turns t JOIN messages m ON m.tenant = t.tenant AND m.conversation_id = t.conversation_id
                AND m.number = t.number AND m.role = 'assistant'
            WHERE t.tenant = %s AND t.status = 'finished' ORDER BY t.created_at
        """
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(statement, (self.tenant,)).fetchall()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis that the test kills."""
    server = Redis(RedisSpec(folder=tmp_path / "redis", log_file=tmp_path / "redis.log", password="pw"))
    server.start()
    server.wait_ready()
    yield server
    server.stop()


async def test_an_answer_is_shared_until_the_documents_are_read_again_and_redis_may_die(
    tmp_path: Path, migrated_database_url: str, own_redis: Redis
) -> None:
    with ExitStack() as stack:
        shop = Shop(stack, tmp_path, migrated_database_url, own_redis.url())
        first = await shop.ask(0)
        second = await shop.ask(1, "how do I return  a parcel")
        assert [await shop.hits(process) for process in (0, 1)] == [0, 1]
        same = ("response", "outcome", "confidence", "sources", "language")
        assert [second[name] for name in same] == [first[name] for name in same]
        assert second["turn_id"] != first["turn_id"]
        assert "post office" in first["response"]
        assert shop.stored() == [(first["response"], 1, 1)] * 2

        shop.read("kiosk")
        third, fourth = await shop.ask(0), await shop.ask(1)
        assert "kiosk" in third["response"]
        assert fourth["response"] == third["response"]
        assert [await shop.hits(process) for process in (0, 1)] == [0, 2]

        assert own_redis.child is not None
        os.kill(own_redis.child.pid, signal.SIGKILL)
        began = time.monotonic()
        fifth = await shop.ask(1)
        assert fifth["response"] == third["response"]
        assert time.monotonic() - began < 30
        assert await shop.hits(1) == 2


async def test_a_thumb_down_on_a_told_answer_ends_it_for_all_processes_and_the_switch_keeps_none(
    tmp_path: Path, migrated_database_url: str, own_redis: Redis
) -> None:
    with ExitStack() as stack:
        shop = Shop(stack, tmp_path, migrated_database_url, own_redis.url())
        await shop.ask(0)
        told = await shop.ask(1)
        assert await shop.hits(1) == 1
        await shop.rate(0, told["turn_id"], "up")
        await shop.ask(1)
        assert await shop.hits(1) == 2
        await shop.rate(0, told["turn_id"], "down")
        await shop.ask(1)
        assert await shop.hits(1) == 2

        file = tmp_path / "agent.yaml"
        off = file.read_text().replace("    model: {", "    responseCache: {mode: Disabled}\n    model: {", 1)
        file.write_text(off)
        shop.roles.serve("serve", port=(port := free_port()))
        shop.ports.append(port)
        first, second = await shop.ask(2), await shop.ask(2)
        assert first["response"] == second["response"]
        assert await shop.hits(2) == 0
