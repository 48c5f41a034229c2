"""Which account runs a program that refuses root, and whether that account can reach a folder.

PostgreSQL does not run as root. An ordinary user runs it as themselves; root runs it as the owner of an existing
database folder, else as `nobody`, which every Unix has: no account is created and no folder's permissions are opened.
"""

import os
import pwd
import stat
from pathlib import Path

FALLBACK = "nobody"


def service_account(folder: Path) -> str | None:
    """None for an ordinary user (run as yourself), else the account for the database in ``folder``."""
    if os.geteuid() != 0:
        return None
    owner = folder.stat().st_uid if folder.exists() else 0
    if owner != 0:
        try:
            return pwd.getpwuid(owner).pw_name
        except KeyError:
            pass  # the account was removed since; the folder is given to the fallback
    return FALLBACK


def can_pass(account: str, folder: Path) -> bool:
    """Whether the account may pass through a folder and every parent of it, by the mode bits."""
    entry = pwd.getpwnam(account)
    target = folder.resolve()
    return all(_allows(entry, path, stat.S_IXOTH) for path in (target, *target.parents))


def can_execute(account: str, program: Path) -> bool:
    entry = pwd.getpwnam(account)
    target = program.resolve()
    return can_pass(account, target.parent) and _allows(entry, target, stat.S_IXOTH | stat.S_IROTH)


def _allows(entry: pwd.struct_passwd, path: Path, wanted: int) -> bool:
    """``wanted`` is given as the bits for others; the owner's and group's are the same, shifted."""
    facts = path.stat()
    if facts.st_uid == entry.pw_uid:
        wanted <<= 6
    elif facts.st_gid == entry.pw_gid:
        wanted <<= 3
    return facts.st_mode & wanted == wanted


def give_to(account: str, folder: Path) -> None:
    """Make the account the owner of a folder and everything in it."""
    entry = pwd.getpwnam(account)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
