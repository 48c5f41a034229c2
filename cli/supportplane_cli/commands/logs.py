"""`supportplane logs`: the last lines of one part's log or of all, and what is added to them."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from supportplane_cli.console import say
from supportplane_cli.errors import CommandFailed
from supportplane_cli.options import DataDirOption
from supportplane_cli.paths import DataDir, find_data_dir

EPILOG = """Examples:

  supportplane logs

  supportplane logs gateway --lines 100

  supportplane logs postgres --follow

Logs never hold questions, answers or keys.
"""
POLL_S = 0.3


def logs(
    part: Annotated[
        str | None, typer.Argument(help="gateway, postgres, redis, model, knowledge or migrate.", show_default=False)
    ] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many lines of each log to begin with.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-F", help="Go on with what is added; Ctrl-C ends it.")] = False,
    data_dir: DataDirOption = None,
) -> None:
    """Show the logs of the parts."""
    files = choose(find_data_dir(data_dir), part)
    sizes = {file: file.stat().st_size for file in files}
    for file in files:
        show(file, tail(file, lines), named=len(files) > 1)
    while follow:
        time.sleep(POLL_S)
        for file in files:
            added, sizes[file] = read_added(file, sizes[file])
            show(file, added, named=len(files) > 1)


def choose(data: DataDir, part: str | None) -> list[Path]:
    """Raises CommandFailed when there is no such log."""
    known = sorted(data.logs.glob("*.log"))
    if not known:
        raise CommandFailed(f"There are no logs in {data.logs}: nothing was ever started there.")
    if part is None:
        return known
    if data.log(part) not in known:
        names = ", ".join(file.stem for file in known)
        raise CommandFailed(f"There is no log of {part}.", hint=f"there are: {names}")
    return [data.log(part)]


def tail(file: Path, lines: int) -> list[str]:
    return file.read_text(errors="replace").splitlines()[-lines:] if lines else []


def read_added(file: Path, size: int) -> tuple[list[str], int]:
    """Whole lines after ``size`` and how far that is; starts again when the log was emptied."""
    now = file.stat().st_size
    with file.open("rb") as log:
        log.seek(size if now >= size else 0)
        text = log.read()
    whole = text[: text.rfind(b"\n") + 1]
    start = size if now >= size else 0
    return whole.decode(errors="replace").splitlines(), start + len(whole)


def show(file: Path, lines: list[str], *, named: bool) -> None:
    for line in prefixed(file.stem, lines) if named else iter(lines):
        say(line, flush=True)


def prefixed(name: str, lines: list[str]) -> Iterator[str]:
    return (f"{name:9} {line}" for line in lines)
