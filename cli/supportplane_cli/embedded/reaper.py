"""Ends the children of a supervisor that died without stopping them: the portable half of "no process is left".

A process of its own (`python -I -S reaper.py`), told on standard input which pids live ("+ PID SIGNAL" and "- PID").
When that pipe closes, the supervisor is gone: every pid still listed gets its signal, and after GRACE_S SIGKILL, as a
process group, so that grandchildren go too. Linux's parent-death signal usually comes first; macOS has only this.
"""

import contextlib
import os
import signal
import sys
import time

GRACE_S = 5.0  # the promise is 10 s for all children; PostgreSQL's immediate stop takes under 1 s


def read_orders() -> dict[int, int]:
    """Signal by pid, of everything that still lives when the pipe closes."""
    living: dict[int, int] = {}
    for line in sys.stdin:
        sign, pid, *rest = line.split()
        if sign == "+":
            living[int(pid)] = int(rest[0])
        else:
            living.pop(int(pid), None)
    return living


def is_alive(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def send(pid: int, number: int, *, group: bool) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if group:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    living = read_orders()
    for pid, number in living.items():
        send(pid, number, group=False)
    deadline = time.monotonic() + GRACE_S
    while time.monotonic() < deadline and any(is_alive(pid) for pid in living):
        time.sleep(0.05)
    for pid in living:
        send(pid, signal.SIGKILL, group=True)


if __name__ == "__main__":
    main()
