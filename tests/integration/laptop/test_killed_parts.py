"""kill -9 of each process while a question is being answered: an answer or a clear error, and nothing is lost."""

import asyncio
import json
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from support.laptop.running_agent import QUESTION, Laptop, poll
from support.laptop.terminal import has_ended

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def finished(asking: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What `ask` printed in the end. Its last line of JSON is the reply."""
    out, err = asking.communicate(timeout=120)
    assert asking.returncode == 0, f"{out.decode()}\n{err.decode()}"
    reply: dict[str, Any] = json.loads(out)
    return reply


async def asked(laptop: Laptop, user: str) -> str:
    """Begin a turn over HTTP and leave; returns its id once it is accepted."""
    turn_id = str(uuid4())
    body = {"query": QUESTION, "user_id": user, "turn_id": turn_id}

    async def begin() -> None:
        await laptop.post("/api/v1/query", body)

    task = asyncio.create_task(begin())
    try:
        await turn_that(laptop, turn_id, bool, deadline_s=30)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return turn_id


async def turn_that(
    laptop: Laptop, turn_id: str, condition: Callable[[dict[str, Any]], bool], *, deadline_s: float
) -> dict[str, Any]:
    """The turn once the condition holds, however often the gateway is away meanwhile."""
    async with asyncio.timeout(deadline_s):
        while True:
            try:
                status, turn = await laptop.get(f"/api/v1/turns/{turn_id}")
            except (aiohttp.ClientError, TimeoutError):
                status, turn = 0, {}
            if status == 200 and condition(turn):
                return turn
            await asyncio.sleep(0.1)


async def ended(laptop: Laptop, turn_id: str) -> dict[str, Any]:
    return await turn_that(laptop, turn_id, lambda turn: turn["status"] != "accepted", deadline_s=90)


@pytest.mark.parametrize("part", ["gateway", "postgres", "redis"])
async def test_a_question_under_way_is_answered_once_although_a_part_is_killed(laptop: Laptop, part: str) -> None:
    with laptop.silent_model():
        turn_id = await asked(laptop, user=f"killed-{part}")
        killed = laptop.kill(part)
    laptop.comes_back(part, killed)
    turn = await ended(laptop, turn_id)
    assert turn["status"] == "finished", turn
    _, listing = await laptop.get(f"/api/v1/conversations/{turn['conversation_id']}")
    assert [one["turn_id"] for one in listing["turns"]] == [turn_id]


def running_turns(laptop: Laptop) -> int:
    with urllib.request.urlopen(f"{laptop.url}/metrics", timeout=30) as reply:  # noqa: S310  # our own http URL
        found = re.search(r"^supportplane_turns_running (\d+)", reply.read().decode(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def test_the_command_line_reconnects_when_the_gateway_is_killed(laptop: Laptop) -> None:
    with laptop.silent_model():
        asking = laptop.ask()
        poll(lambda: running_turns(laptop), deadline_s=60, what="a running turn")
        killed = laptop.kill("gateway")
    laptop.comes_back("gateway", killed)
    reply = finished(asking)
    assert "return label" in reply["response"]
    assert reply["sources"]


async def test_a_killed_supervisor_takes_its_children_along_and_the_next_up_finishes_the_turn(laptop: Laptop) -> None:
    assert laptop.process is not None
    with laptop.silent_model():
        turn_id = await asked(laptop, user="killed-supervisor")
        children = laptop.pids().values()
        laptop.process.kill()
        laptop.process.wait(timeout=10)
    poll(lambda: all(has_ended(pid) for pid in children), deadline_s=10, what="the end of all children")
    laptop.up()
    turn = await ended(laptop, turn_id)
    assert turn["status"] == "finished", turn


async def test_a_model_killed_while_it_is_asked_leaves_an_answer_with_its_source(
    writing_laptop: Laptop,
) -> None:
    os.kill(writing_laptop.pids()["model"], signal.SIGSTOP)  # so that the question surely waits for it
    turn_id = await asked(writing_laptop, user="killed-model")
    killed = writing_laptop.kill("model")
    writing_laptop.comes_back("model", killed)
    turn = await ended(writing_laptop, turn_id)
    assert turn["status"] == "finished", turn
    assert "return label" in turn["answer"]["response"]
    assert "returns.md" in turn["answer"]["sources"][0]["url"]
