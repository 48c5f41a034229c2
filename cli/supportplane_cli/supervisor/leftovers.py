"""Ends what a supervisor that was killed may have left: only processes it wrote down and that are still the same."""

import contextlib
import signal
import time
from typing import TYPE_CHECKING

from supportplane_cli.embedded.postgres import Postgres
from supportplane_cli.paths import DataDir
from supportplane_cli.state import PartState, last_state

if TYPE_CHECKING:
    import psutil

DEADLINE_S = 10.0  # the reaper has 5 s; PostgreSQL's immediate stop takes under 1 s
SAME_PROCESS_S = 1.0  # clocks of /proc tick in 10 ms; a reused pid is never this close


def end_leftovers(data: DataDir) -> list[str]:
    """Names of the parts that were still alive. Call it with the lock held."""
    import psutil

    state = last_state(data.state)
    found = [(part, process) for part in (state.parts if state else ()) if (process := same_process(part))]
    for part, process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGQUIT if part.name == Postgres.name else signal.SIGKILL)
    deadline = time.monotonic() + DEADLINE_S
    _, alive = psutil.wait_procs([process for _, process in found], timeout=max(0.0, deadline - time.monotonic()))
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return [part.name for part, _ in found]


def same_process(part: PartState) -> "psutil.Process | None":
    import psutil

    try:
        process = psutil.Process(part.pid)
        same = abs(process.create_time() - part.created_at) < SAME_PROCESS_S
    except psutil.NoSuchProcess:
        return None
    return process if same and process.status() != psutil.STATUS_ZOMBIE else None
