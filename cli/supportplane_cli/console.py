"""How commands speak: people read sentences and tables, machines read JSON; colours on a terminal only.

Standard output carries what was asked for, standard error everything about it. rich is loaded when first needed.
Documents, customers, servers, keys, files and logs are not trusted with the terminal: every text passes `visible`. Only
this module calls `print`; the linter keeps it so.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from supportplane_cli.errors import CommandFailed

if TYPE_CHECKING:
    from rich.console import Console

PIPE_COLUMNS = 250  # nothing is folded in a file or a pipe

# What moves the cursor, writes the clipboard, names the window or shows text in another order than it is read in:
# control characters but line ends and tabs, and the bidirectional overrides and isolates. Half surrogate pairs cannot
# be written at all. Real text needs joiners and left-to-right and right-to-left marks, so these stay.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""The text as a terminal may have it: a character that would act on the terminal is written as ``\u001b``.

    JSON goes through here too: inside of a JSON document this is the same value, written another way.
    """
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text.replace("\r\n", "\n"))


def terminal(*, stderr: bool = False) -> "Console":
    """A rich console; it writes plain text when it is not a terminal or NO_COLOR is set."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPE_COLUMNS
    return console


def say(text: str, *, flush: bool = False) -> None:
    """One line or more of the result."""
    print(visible(text), flush=flush)


def emit(value: Any) -> None:
    """One JSON document on standard output."""
    print(visible(json.dumps(value, indent=2, default=str, ensure_ascii=False)))


def emit_line(value: Any) -> None:
    """One JSON document on one line, at once: one of several, or for a program that reads along."""
    print(visible(json.dumps(value, default=str, ensure_ascii=False)), flush=True)


def emit_text(text: str) -> None:
    """A document for programs, in a format that writes control characters in its own way. Visible on a terminal."""
    sys.stdout.write(visible(text) if sys.stdout.isatty() else text)


def note(text: str) -> None:
    """A remark that is not the result."""
    print(visible(text), file=sys.stderr)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(visible(cell)) for cell in row))  # a plain str would be read as markup
    terminal().print(shown)


def report(failure: CommandFailed, *, as_json: bool) -> None:
    """One sentence, and on the next line what to type."""
    if as_json:
        facts: Mapping[str, Any] = {"message": failure.message, "hint": failure.hint, "exit_code": failure.exit_code}
        emit({"error": facts})
        return
    speaker = terminal(stderr=True)
    message = visible(failure.message)
    speaker.print("error:", message, style="bold red" if speaker.is_terminal else None, markup=False)
    if failure.hint:
        speaker.print("  ->", visible(failure.hint), markup=False)
