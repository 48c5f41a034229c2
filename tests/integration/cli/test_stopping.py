"""Every way an agent ends: Ctrl-C, `down`, a killed supervisor. No process is left and the data is kept."""

import asyncio
from collections.abc import Callable

import pytest

from cli_terminal import Terminal, has_ended
from laptop import QUESTION, poll

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ENDED_S = 10.0  # the promise
MakeLaptop = Callable[..., Terminal]


def all_end(pids: list[int]) -> None:
    poll(lambda: all(has_ended(pid) for pid in pids), deadline_s=ENDED_S, what="the end of every process")


def test_a_killed_supervisor_leaves_no_process_and_the_next_up_is_warm_and_has_the_data(
    make_laptop: MakeLaptop,
) -> None:
    laptop = make_laptop()
    laptop.up()
    first = laptop.json("ask", QUESTION)
    family = laptop.family()
    assert laptop.process is not None
    laptop.process.kill()
    laptop.process.wait()
    all_end(family)
    assert laptop.run("status").returncode == 3

    laptop.up()
    assert laptop.said().count("schema: ready") == 1
    assert laptop.said().count("Supportplane answers at") == 2
    assert laptop.json("ask", QUESTION)["sources"] == first["sources"]
    status, page = asyncio.run(laptop.get("/api/v1/conversations"))
    assert status == 200
    assert first["conversation_id"] in {entry["conversation_id"] for entry in page["items"]}


def test_down_from_another_terminal_ends_every_process_and_keeps_the_data(make_laptop: MakeLaptop) -> None:
    laptop = make_laptop()
    laptop.up()
    family = laptop.family()
    key = (laptop.data / "api-key").read_text()
    assert laptop.run("down", "--dry-run").returncode == 0
    assert laptop.run("status").returncode == 0
    assert laptop.run("down").returncode == 0
    assert laptop.process is not None
    assert laptop.process.wait(30) == 0
    all_end(family)
    assert (laptop.data / "api-key").read_text() == key
    assert laptop.run("down").returncode == 3


def test_ctrl_c_while_it_starts_leaves_no_process(make_laptop: MakeLaptop) -> None:
    laptop = make_laptop()
    laptop.launch()
    poll(lambda: "postgres: new database" in laptop.said(), deadline_s=90, what="the start of PostgreSQL")
    family = laptop.family()
    assert laptop.process is not None
    laptop.process.send_signal(2)
    assert laptop.process.wait(60) == 0
    all_end(family)
