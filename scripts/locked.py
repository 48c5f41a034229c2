"""Prints the part of requirements.lock that one extra needs, with its hashes: `python scripts/locked.py operator`.

The Dockerfiles install from it, so that an image holds what was tested and nothing of the other roles. Pure text work
on pyproject.toml and the lock beside it, whose comments say who needs a package; needs no package itself.
"""  # noqa: INP001 -- a script, not a package

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = re.compile(r"^([a-z0-9][a-z0-9._-]*)==")
NEEDED_BY = re.compile(r"^ +#(?: +via)? +([a-z0-9][a-z0-9._-]*)$")


def asked_for(project: dict[str, object], extra: str) -> set[str]:
    """Names of what pyproject.toml asks for: always, and with the extra. Raises KeyError for an unknown extra."""
    table = project["project"]
    assert isinstance(table, dict)  # noqa: S101 -- the file is ours; this tells the type checker
    lines = [*table["dependencies"], *table["optional-dependencies"][extra]]
    return {re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0].lower() for line in lines}


def blocks(lock: str) -> dict[str, list[str]]:
    """Package -> its lines: pin, hashes, who needs it."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lock.splitlines():
        if match := PACKAGE.match(line):
            current = found.setdefault(match[1], [])
        current.append(line)
    return found


def needed(names: Iterable[str], packages: dict[str, list[str]]) -> set[str]:
    """The names and all that they need. A little too much where a package is needed only by another extra of one."""
    needed_by = {
        package: {match[1] for line in lines if (match := NEEDED_BY.match(line))} for package, lines in packages.items()
    }
    found = set(names)
    while more := {package for package, parents in needed_by.items() if parents & found} - found:
        found |= more
    return found


def locked(extra: str, root: Path) -> str:
    """Requirements with hashes, in the order of the lock."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    packages = blocks((root / "requirements.lock").read_text(encoding="utf-8"))
    wanted = needed(asked_for(project, extra), packages)
    kept = [line for package, lines in packages.items() if package in wanted for line in lines]
    return "\n".join(line for line in kept if not line.lstrip().startswith("#")) + "\n"


if __name__ == "__main__":
    sys.stdout.write(locked(sys.argv[1], REPOSITORY))
