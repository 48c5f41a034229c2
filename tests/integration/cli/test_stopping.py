"""Every way an agent ends: Ctrl-C, `down`, a killed supervisor. No process is left and the data is kept."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from support.laptop.running_agent import QUESTION, START_DEADLINE_S, listen_to_ctrl_c, poll
from support.laptop.terminal import Terminal, has_ended
from supportplane_cli.stopping import SIGNALS

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
    greetings = "Supportplane answers at"
    poll(lambda: laptop.said().count(greetings) == 2, deadline_s=ENDED_S, what="the second greeting")
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


MARK = "SUPPORTPLANE_TEST_FAMILY"  # in the environment of `up`, and so of every process it starts


def family_of(laptop: Terminal) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(laptop.folder):
                found.append(process.pid)
        except psutil.Error:  # it has ended, or it is somebody else's
            continue
    return found


def launch_in_a_terminal(laptop: Terminal) -> subprocess.Popen[bytes]:
    """A process group of its own, as a shell makes it: Ctrl-C goes to everybody in it."""
    with (laptop.folder / "up.log").open("wb") as log, (laptop.folder / "up.errors").open("wb") as errors:
        laptop.process = subprocess.Popen(
            laptop.command(*laptop.up_flags),
            stdout=log,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            env={**os.environ, MARK: str(laptop.folder)},
            start_new_session=True,
            preexec_fn=listen_to_ctrl_c,  # noqa: PLW1509  # one call of signal(), safe between fork and exec
        )
    return laptop.process


def ctrl_c(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGINT)


def hold_ctrl_c(process: subprocess.Popen[bytes]) -> None:
    """Again and again, also while it stops and while Python ends."""
    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        ctrl_c(process)
        time.sleep(0.005)


def terminate(process: subprocess.Popen[bytes]) -> None:
    process.terminate()


def close_the_terminal(process: subprocess.Popen[bytes]) -> None:
    """The kernel tells the group, and the shell tells it once more."""
    os.killpg(process.pid, signal.SIGHUP)
    os.killpg(process.pid, signal.SIGHUP)


def listens(laptop: Terminal) -> bool:
    """From its first lines on: Python by itself would catch neither SIGTERM nor SIGHUP."""
    assert laptop.process is not None
    status = Path(f"/proc/{laptop.process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1]
    return all(int(caught, 16) & 1 << number - 1 for number in SIGNALS)


def runs(part: str) -> Callable[[Terminal], bool]:
    return lambda laptop: (laptop.state() or {}).get("parts") is not None and part in laptop.pids()


def says(text: str) -> Callable[[Terminal], bool]:
    return lambda laptop: text in laptop.said()


def has(name: str) -> Callable[[Terminal], bool]:
    return lambda laptop: (laptop.data / name).exists()


# In the order of a start. Every moment comes in a later start too, sooner then, where the one before was stopped late.
MOMENTS = (
    ("its first lines", listens, ctrl_c),
    ("its first lines", listens, hold_ctrl_c),
    ("its first lines", listens, terminate),
    ("its first lines", listens, close_the_terminal),
    ("its folder", has("lock"), ctrl_c),
    ("the making of the database", has("postgres"), ctrl_c),
    ("the first part", runs("redis"), hold_ctrl_c),
    ("the database", runs("postgres"), terminate),
    ("the database", says("postgres: "), ctrl_c),
    ("the schema", has("logs/migrate.log"), close_the_terminal),
    ("the gateway", runs("gateway"), hold_ctrl_c),
    ("the answer", says("Supportplane answers at"), hold_ctrl_c),
)


def test_whenever_it_is_told_to_stop_it_ends_well_and_the_next_up_works(make_laptop: MakeLaptop) -> None:
    laptop = make_laptop()
    for what, has_come, tell in MOMENTS:
        process = launch_in_a_terminal(laptop)
        poll(partial(listens, laptop), deadline_s=START_DEADLINE_S, what=what)
        poll(partial(has_come, laptop), deadline_s=START_DEADLINE_S, what=what)
        tell(process)
        status = process.wait(60)
        errors = (laptop.folder / "up.errors").read_text()
        assert (status, errors) == (0, ""), f"{tell.__name__} at {what}: {laptop.said()}"
        poll(lambda: not family_of(laptop), deadline_s=ENDED_S, what=f"{tell.__name__} at {what}: the end of all")
    laptop.up()
    assert laptop.json("ask", QUESTION)["sources"]


@contextmanager
def held(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """What happens meanwhile happens at once to it, as when the kernel takes a terminal away."""
    process.send_signal(signal.SIGSTOP)
    stopped = psutil.Process(process.pid)
    poll(lambda: stopped.status() == psutil.STATUS_STOPPED, deadline_s=30, what="its standstill")
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def test_what_it_says_to_a_terminal_that_is_gone_is_no_failure(make_laptop: MakeLaptop) -> None:
    laptop = make_laptop()
    ours, theirs = os.openpty()
    laptop.process = subprocess.Popen(
        laptop.command(*laptop.up_flags), stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, start_new_session=True
    )
    os.close(theirs)
    poll((laptop.data / "lock").exists, deadline_s=60, what="the lock")
    with held(laptop.process):
        os.close(ours)
        laptop.process.send_signal(signal.SIGHUP)
    assert laptop.process.wait(60) == 0
