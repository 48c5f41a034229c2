"""What a visitor's first question meets while another visitor floods: ``make bench``. Prints a table, asserts no time.

A whole agent with the default limits, as ``supportplane up`` starts it, behind a trusted proxy: this process, which
tells the addresses. Two hundred visitors come, twenty at a time; a flood has sixteen hands.
"""

import asyncio
import json
import statistics
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from support.gateway.visitors import Website, flood, website
from support.laptop.running_agent import Laptop
from supportplane_cli.embedded.ports import free_port

pytestmark = pytest.mark.timeout(1200)

ORIGIN = "https://shop.example"
VISITORS, AT_ONCE, HANDS = 200, 20, 16
FLOODS = {"nobody floods": None, "one visitor floods": True, "a new visitor for each request floods": False}
LIMITS = "rateLimits: [{scope: APIKey, requests: 100000, window: 1m}, {scope: User, requests: 100000, window: 1m}]"


def publishable_key(agent: Laptop) -> str:
    made = subprocess.run(
        agent.command("keys", "create", "site", "--origin", ORIGIN, "--json"),
        capture_output=True,
        text=True,
        check=True,
    )
    key: str = json.loads(made.stdout)["key"]
    return key


async def first_questions(site: Website, addresses: list[str]) -> list[tuple[int, float]]:
    room = asyncio.Semaphore(AT_ONCE)

    async def come(address: str) -> tuple[int, float]:
        async with room:
            return await site.first_question(address)

    return await asyncio.gather(*(come(address) for address in addresses))


@asynccontextmanager
async def flooded(site: Website, address: str, *, is_known: bool | None) -> AsyncIterator[Counter[Any]]:
    if is_known is None:
        yield Counter()
        return
    async with flood(site, hands=HANDS, address=address, is_known=is_known) as seen:
        yield seen


def row(found: list[tuple[int, float]], seen: Counter[Any]) -> list[str]:
    waits = sorted(seconds for _, seconds in found)
    answered = sum(status == 200 for status, _ in found)
    told = ", ".join(f"{status} {scope or ''}".strip() + f": {count}" for (status, scope), count in seen.most_common())
    return [str(answered), f"{statistics.median(waits):.2f}", f"{waits[int(0.95 * len(waits))]:.2f}", told]


async def test_first_questions_beside_a_flood(tmp_path: Path) -> None:
    agent = Laptop(tmp_path, free_port())
    agent.write()
    file = tmp_path / "agent.yaml"
    assert LIMITS in file.read_text()
    file.write_text(file.read_text().replace(LIMITS, "trustedProxies: [127.0.0.0/8]"))
    table = Table("the 200 are", "meanwhile", "answered", "median s", "p95 s", "what the flood was answered")
    try:
        await asyncio.to_thread(agent.up)
        key = await asyncio.to_thread(publishable_key, agent)
        async with website(agent.url, key, ORIGIN) as site:
            for number, (name, is_known) in enumerate(FLOODS.items()):
                office = f"198.51.100.{number}"
                homes = [f"203.0.{number}.{home}" for home in range(VISITORS)]
                for place, addresses in (
                    ("at addresses of their own", homes),
                    ("at the flood's address", [office] * VISITORS),
                ):
                    async with flooded(site, office, is_known=is_known) as seen:
                        found = await first_questions(site, addresses)
                    table.add_row(place, name, *row(found, seen))
    finally:
        await asyncio.to_thread(agent.down)
    Console(width=160).print(table)
