"""How commands speak: people read sentences and tables, machines read JSON; colours on a terminal only.

Standard output carries what was asked for, standard error everything about it. rich is loaded when first needed.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from supportplane_cli.errors import CommandFailed

if TYPE_CHECKING:
    from rich.console import Console

PIPE_COLUMNS = 250  # nothing is folded in a file or a pipe


def terminal(*, stderr: bool = False) -> "Console":
    """A rich console; it writes plain text when it is not a terminal or NO_COLOR is set."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPE_COLUMNS
    return console


def emit(value: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def note(text: str) -> None:
    """A remark that is not the result."""
    print(text, file=sys.stderr)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*row)
    terminal().print(shown)


def report(failure: CommandFailed, *, as_json: bool) -> None:
    """One sentence, and on the next line what to type."""
    if as_json:
        facts: Mapping[str, Any] = {"message": failure.message, "hint": failure.hint, "exit_code": failure.exit_code}
        emit({"error": facts})
        return
    speaker = terminal(stderr=True)
    speaker.print("error:", failure.message, style="bold red" if speaker.is_terminal else None, markup=False)
    if failure.hint:
        speaker.print("  ->", failure.hint, markup=False)
