"""`supportplane doctor`: what could keep an agent from working here, and what to do about each."""

from dataclasses import asdict
from typing import Annotated

import typer

from supportplane_cli.options import DataDirOption, JsonOption
from supportplane_cli.paths import find_data_dir

EPILOG = """Examples:

  supportplane doctor

  supportplane doctor --json | jq '.[] | select(.level != "ok")'

Exit code 1 means that something failed.
"""


def doctor(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The HTTP port `up` would use.")] = 8080,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check Python, the embedded programs, disk, permissions, ports and the running parts."""
    from supportplane_cli.checks import Level, Verdict, examine
    from supportplane_cli.console import emit, terminal, visible

    colours = {Level.OK: "green", Level.WARNING: "yellow", Level.FAILED: "red"}
    speaker = terminal()
    verdicts: list[Verdict] = []
    for verdict in examine(find_data_dir(data_dir), port):
        verdicts.append(verdict)
        if not as_json:
            colour = colours[verdict.level]
            speaker.print(f"[{colour}]{verdict.level:8}[/{colour}]", end="")
            speaker.print(visible(f"{verdict.check}: {verdict.detail}"), markup=False)
            if verdict.hint:
                speaker.print(visible(f"        -> {verdict.hint}"), markup=False)
    if as_json:
        emit([asdict(verdict) for verdict in verdicts])
    if any(verdict.level is Level.FAILED for verdict in verdicts):
        raise typer.Exit(1)
