"""`supportplane down`: stop the agent that runs on a data directory, from any terminal."""

import os
import signal
import time

from supportplane_cli.console import emit, say
from supportplane_cli.errors import CommandFailed, NothingRunning
from supportplane_cli.lock import holder_pid, wait_released
from supportplane_cli.options import DataDirOption, DryRunOption, JsonOption
from supportplane_cli.paths import find_data_dir

EPILOG = """Examples:

  supportplane down

  supportplane down --data-dir ~/agents/shop
"""
EXIT_S = 5.0  # between giving the lock back and the end of the process
DEADLINE_S = 40.0  # running turns get 5 s, then four parts up to 10 s each in the worst case


def down(data_dir: DataDirOption = None, dry_run: DryRunOption = False, as_json: JsonOption = False) -> None:
    """Stop the agent that runs in another terminal, and every process it started. The data is kept."""
    data = find_data_dir(data_dir)
    pid = holder_pid(data)
    if pid is None:
        raise NothingRunning(f"Nothing is running on the data directory {data.root}.")
    if not dry_run:
        os.kill(pid, signal.SIGTERM)
        if not (wait_released(data, deadline_s=DEADLINE_S) and wait_ended(pid)):
            raise CommandFailed(f"The supervisor (pid {pid}) did not stop in time.", hint=f"kill -9 {pid}")
    if as_json:
        emit({"pid": pid, "stopped": not dry_run, "data_dir": str(data.root)})
    else:
        say(f"{'Would stop' if dry_run else 'Stopped'} the agent (pid {pid}); its data is kept in {data.root}")


def wait_ended(pid: int) -> bool:
    """Whether the process ended in time; a zombie has, though its parent has not looked yet."""
    deadline = time.monotonic() + EXIT_S
    while not has_ended(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def has_ended(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
