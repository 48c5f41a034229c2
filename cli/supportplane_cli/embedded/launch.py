"""Becomes another program: drops root, ties its life to the supervisor's, then execs. Standard library only.

Run as `python -I -S launch.py JSON`, so that none of this happens between fork and exec of a threaded process. The
order matters: Linux clears the parent-death signal when credentials change, so it is set after setuid. ``tree`` is a
folder that the unprivileged account may not reach (below /root, mode 0700): it is bound to MOUNT_POINT in a mount
namespace of this process alone, so nobody's permissions are changed and nothing is left behind.
"""

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

NO_PRIVATE_MOUNT = "private mounts are forbidden here"
MOUNT_POINT = Path("/mnt/supportplane")
PR_SET_PDEATHSIG = 1
CLONE_NEWNS = 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000


def libc_call(name: str, *arguments: Any) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def mount(source: bytes, target: bytes, kind: bytes, flags: int) -> None:
    libc_call("mount", source, target, kind, ctypes.c_ulong(flags), None)


def bind_tree(tree: str) -> None:
    """Make ``tree`` visible at MOUNT_POINT, for this process and what it starts."""
    libc_call("unshare", CLONE_NEWNS)
    mount(b"none", b"/", b"", MS_REC | MS_PRIVATE)
    handle = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)  # opened here: a handle of the old namespace can't be bound
    mount(b"tmpfs", bytes(MOUNT_POINT.parent), b"tmpfs", 0)
    MOUNT_POINT.mkdir(0o755)
    mount(f"/proc/self/fd/{handle}".encode(), bytes(MOUNT_POINT), b"", MS_BIND)
    os.close(handle)


def become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with_parent(parent: int, signal_number: int) -> None:
    """Linux only; elsewhere the reaper alone does it. A parent that died before the call is noticed here."""
    if sys.platform == "linux":
        libc_call("prctl", PR_SET_PDEATHSIG, ctypes.c_ulong(signal_number), 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the supervisor died while this was starting")


def main() -> None:
    order = json.loads(sys.argv[1])
    os.umask(0o077)
    if order["tree"]:
        try:
            bind_tree(order["tree"])
        except OSError as error:
            raise SystemExit(f"{NO_PRIVATE_MOUNT}: {error}") from error
    if order["account"]:
        become(*order["account"])
    if order["cwd"]:
        os.chdir(order["cwd"])
    die_with_parent(order["parent"], order["orphan_signal"])
    argv = order["argv"]
    os.execv(argv[0], argv)  # noqa: S606  # the very purpose


if __name__ == "__main__":
    main()
