"""Can it work? Every check that needs nothing started, so that `up` fails at once and in one sentence."""

import errno
import os
import shutil
import socket
import tempfile
from pathlib import Path

from supportplane_cli.embedded.ports import holder, is_bindable
from supportplane_cli.errors import CommandFailed, DataUnusable, DiskFull, WrongUsage
from supportplane_cli.layout import check_layout
from supportplane_cli.paths import DataDir
from supportplane_cli.private_files import make_private_folder
from supportplane_cli.supervisor.plan import Plan

# The sample agent's database with its log takes 65 MB, root's copy of PostgreSQL 31 MB (2026-11); the rest is room.
NEEDED_BYTES = 250 * 1024 * 1024


def check(plan: Plan) -> None:
    """Raises the first trouble found; leaves an existing, writable data directory behind."""
    check_port(plan.port)
    if plan.listen is not None:
        check_listen_address(plan.listen)
    prepare_folder(plan.data)
    check_layout(plan.data)
    check_space(plan.data.root)


def check_port(port: int) -> None:
    if is_bindable("127.0.0.1", port):
        return
    raise CommandFailed(
        f"Port {port} is taken by {holder(port) or 'another program'}.",
        hint=f"stop that program, or choose another port: --port {port + 1}  (make up ARGS='--port {port + 1}')",
    )


def check_listen_address(address: str) -> None:
    """An address of this machine, and not the loopback one that is always there."""
    if address.startswith("127.") or address in ("localhost", "::1"):
        raise WrongUsage("--listen names one more address; the loopback address is always served.")
    try:
        socket.getaddrinfo(address, None, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        raise WrongUsage(f"--listen {address} is not an IP address.") from None
    if not is_bindable(address, 0):
        raise WrongUsage(f"--listen {address} is not an address of this machine.")


def prepare_folder(data: DataDir) -> None:
    """Raises DataUnusable when the folder cannot be made or written to."""
    try:
        make_private_folder(data.root)
        if os.geteuid() == 0:
            data.root.chmod(0o711)  # the database runs as another account, which has to pass through, not to look
        with tempfile.TemporaryFile(dir=data.root) as probe:
            probe.write(b"x")
    except OSError as error:
        raise unusable(data, error) from error


def unusable(data: DataDir, error: OSError) -> DataUnusable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(data.root)
    me = f"uid {os.geteuid()}"
    return DataUnusable(
        f"The data directory {data.root} cannot be written to by {me}: {error.strerror}.",
        hint="give it to your user with chown, or name another --data-dir",
    )


def is_the_folder_s_fault(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)


def disk_full(folder: Path) -> DiskFull:
    free = shutil.disk_usage(existing(folder)).free
    return DiskFull(
        f"The disk that holds {folder} is full: {free >> 20} MB are free, {NEEDED_BYTES >> 20} MB are needed.",
        hint="free some space, or name a --data-dir on another disk",
    )


def check_space(folder: Path) -> None:
    if shutil.disk_usage(existing(folder)).free < NEEDED_BYTES:
        raise disk_full(folder)


def existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
