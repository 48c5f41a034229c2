"""Options that several commands share, so that they read and behave alike everywhere."""

from pathlib import Path
from typing import Annotated

import typer

DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder with all data of one agent. Default: $SUPPORTPLANE_DATA_DIR, else the nearest .supportplane.",
        show_default=False,
        readable=False,  # a folder we may not read gets a sentence of ours, with what to do
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of text for people.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
AgentFileOption = Annotated[
    Path, typer.Option("--file", "-f", help="The agent file: SupportAgent YAML.", show_default=False)
]
UrlOption = Annotated[
    str | None,
    typer.Option("--url", help="An agent elsewhere, for example https://help.example.com.", show_default=False),
]
KeyFileOption = Annotated[
    Path | None, typer.Option("--key-file", help="File with the API key to use with --url.", show_default=False)
]
