"""What happens to the children when their supervisor is killed, watched from outside in a process of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from supportplane_cli.embedded.process import REAPER

pytestmark = pytest.mark.slow

DEADLINE_S = 10.0  # the promise of the supervisor

SUPERVISOR = """
import json, sys, time
from pathlib import Path
from supportplane_cli.embedded.postgres import Postgres, PostgresSpec
from supportplane_cli.embedded.process import reaper
from supportplane_cli.embedded.redis import Redis, RedisSpec

folder = Path(sys.argv[1])
postgres = Postgres(PostgresSpec(folder / "postgres", folder / "postgres.log", "one", "two"))
postgres.prepare()
redis = Redis(RedisSpec(folder / "redis", folder / "redis.log", "three"))
for part in (postgres, redis):
    part.start()
for part in (postgres, redis):
    part.wait_ready()
pids = {"postgres": postgres.child.pid, "redis": redis.child.pid, "reaper": reaper._running().pid}
print(json.dumps(pids), flush=True)
time.sleep(600)
"""


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, int]]]:
    """A supervisor with PostgreSQL and Redis, and the pids of its children."""
    argv = [sys.executable, "-c", SUPERVISOR, str(tmp_path)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> bool:
    deadline = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_killing_the_supervisor_ends_every_child_and_the_watchdog(
    supervised: tuple[subprocess.Popen[str], dict[str, int]],
) -> None:
    process, pids = supervised
    backends = [child.pid for child in psutil.Process(pids["postgres"]).children(recursive=True)]
    assert backends
    process.kill()
    process.wait()
    assert wait_for(lambda: all(has_ended(pid) for pid in (*pids.values(), *backends)))


def test_children_end_even_when_the_watchdog_was_killed_before(
    supervised: tuple[subprocess.Popen[str], dict[str, int]],
) -> None:
    process, pids = supervised
    os.kill(pids["reaper"], signal.SIGKILL)
    process.kill()
    process.wait()
    if sys.platform == "linux":  # the parent-death signal; elsewhere the watchdog is all there is
        assert wait_for(lambda: all(has_ended(pid) for pid in pids.values()))


def test_children_are_out_of_reach_of_the_terminal_s_ctrl_c(
    supervised: tuple[subprocess.Popen[str], dict[str, int]],
) -> None:
    process, pids = supervised
    groups = {os.getpgid(pid) for pid in pids.values()}
    assert os.getpgid(process.pid) not in groups


def test_the_watchdog_alone_ends_a_child_that_ignores_its_signal_with_all_it_started() -> None:
    """Without the parent-death signal, as on macOS."""
    stubborn = "trap '' TERM; sleep 600 & echo $!; wait; wait"
    child = subprocess.Popen(["bash", "-c", stubborn], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert child.stdout is not None
        grandchild = int(child.stdout.readline())
        watchdog = subprocess.Popen([sys.executable, "-I", "-S", str(REAPER)], stdin=subprocess.PIPE, text=True)
        watchdog.communicate(f"+ {child.pid} {int(signal.SIGTERM)}\n", timeout=60)
        assert wait_for(lambda: has_ended(child.pid) and has_ended(grandchild))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def test_the_watchdog_leaves_alone_what_was_stopped_in_order() -> None:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        watchdog = subprocess.Popen([sys.executable, "-I", "-S", str(REAPER)], stdin=subprocess.PIPE, text=True)
        watchdog.communicate(f"+ {child.pid} 15\n- {child.pid}\n", timeout=60)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
