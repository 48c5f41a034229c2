"""Which account runs a program that refuses root, and whether that account can reach a folder.

PostgreSQL does not run as root. An ordinary user runs it as themselves. Root runs it as the owner of an existing
database folder; else as a user id of its own, one a data directory, that no entry in the list of accounts needs to
exist for. Not as `nobody`: every other process of `nobody` could then read and write the database (ADR 0002).
"""

import os
import pwd
import random
import stat
from dataclasses import dataclass
from pathlib import Path

FALLBACK = "nobody"
# Neither Debian, Fedora nor systemd hands these out (systemd.io/UIDS-GIDS), and they are below 65536, which is where
# the ids of most containers end.
OWN_IDS = range(60578, 61184)
_ID_MAPS = (Path("/proc/self/uid_map"), Path("/proc/self/gid_map"))


@dataclass(frozen=True, slots=True)
class Account:
    """Numbers, because an id needs no name."""

    uid: int
    gid: int


def service_account(folder: Path) -> Account | None:
    """None for an ordinary user (run as yourself), else the account for the database in ``folder``.

    A folder of `nobody`, as earlier releases made it, or of an account that was removed since gets another account.
    """
    if os.geteuid() != 0:
        return None
    facts = folder.stat() if folder.exists() else None
    if facts is not None and (facts.st_uid in OWN_IDS or _has_entry(facts.st_uid)):
        return Account(facts.st_uid, facts.st_gid)
    return _unused() or nobody()


def nobody(*, gid: int | None = None) -> Account:
    """gid: instead of the account's own group."""
    entry = pwd.getpwnam(FALLBACK)
    return Account(entry.pw_uid, entry.pw_gid if gid is None else gid)


def has_name(account: Account) -> bool:
    try:
        pwd.getpwuid(account.uid)
    except KeyError:
        return False
    return True


def _has_entry(uid: int) -> bool:
    """Whether it is an account that may own a database: one with a name, neither root nor `nobody`."""
    return uid not in {0, nobody().uid} and has_name(Account(uid, uid))


def _unused() -> Account | None:
    """An account that no process runs as. None where this container has no such ids."""
    import psutil

    taken = {identity for process in psutil.process_iter(["uids"]) for identity in process.info["uids"] or ()}
    free = [uid for uid in OWN_IDS if uid not in taken and not has_name(Account(uid, uid))]
    maps = [_read(path) for path in _ID_MAPS]
    usable = [uid for uid in free if all(is_mapped(uid, text) for text in maps)]
    return Account(*[random.choice(usable)] * 2) if usable else None  # noqa: S311 - an id is no secret


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None  # not Linux: there are no maps


def is_mapped(identity: int, id_map: str | None) -> bool:
    """id_map: /proc/self/uid_map, lines of first id inside, first id outside, count."""
    if id_map is None:
        return True
    ranges = (tuple(map(int, line.split())) for line in id_map.splitlines())
    return any(first <= identity < first + count for first, _, count in ranges)


def can_pass(account: Account, folder: Path) -> bool:
    """Whether the account may pass through a folder and every parent of it, by the mode bits."""
    target = folder.resolve()
    return all(_allows(account, path, stat.S_IXOTH) for path in (target, *target.parents))


def can_execute(account: Account, program: Path) -> bool:
    target = program.resolve()
    return can_pass(account, target.parent) and _allows(account, target, stat.S_IXOTH | stat.S_IROTH)


def _allows(account: Account, path: Path, wanted: int) -> bool:
    """``wanted`` is given as the bits for others; the owner's and group's are the same, shifted."""
    facts = path.stat()
    if facts.st_uid == account.uid:
        wanted <<= 6
    elif facts.st_gid == account.gid:
        wanted <<= 3
    return facts.st_mode & wanted == wanted


def give_to(account: Account, folder: Path) -> None:
    """Make the account the owner of a folder and everything in it.

    The folder itself comes last: it is what tells the owner, so a process that is killed meanwhile does it again.
    """
    for path in (*folder.rglob("*"), folder):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
