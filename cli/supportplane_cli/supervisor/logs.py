"""Keeps log files small. Children hold their logs open, so a full one is copied aside and emptied in place."""

import shutil
from pathlib import Path

LIMIT_BYTES = 10 * 1024 * 1024  # a guess: days of one laptop's logs; with its predecessor 20 MB a part at most


def rotate(folder: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
    """Lines written between the copy and the emptying are lost: these are logs of one laptop, not an audit."""
    for log in folder.glob("*.log"):
        if log.stat().st_size > limit_bytes:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            with log.open("r+b") as file:
                file.truncate(0)
