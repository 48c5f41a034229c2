"""`supportplane eval`: measure answers, and what decides about them, on one's own sets. The engine is evaluation/."""

from pathlib import Path
from typing import Annotated

import typer

from supportplane_cli.errors import WrongUsage
from supportplane_cli.options import JsonOption

EPILOG = """Examples:

  supportplane eval --data ./questions

  supportplane eval --data ./shop --data ./bank

  supportplane eval --claims claims.jsonl

  supportplane eval --data ./questions --json > result.json

No agent has to run and no key is needed. --data and --claims can be given several times. Exit code 2 means that a file
or folder cannot be measured.
"""


def evaluate(
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Folder with documents and questions.", show_default=False)
    ] = None,
    claims: Annotated[
        list[Path] | None,
        typer.Option("--claims", help="File with true and false sentences about passages.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure retrieval, answers and refusals on questions, and the proof of sentences on claims."""
    from supportplane_cli.evaluation.run import Wanted, run

    wanted = Wanted(data or [], claims or [])
    if not (wanted.data or wanted.claims):
        raise WrongUsage("Say what to measure: --data FOLDER or --claims FILE.", hint="supportplane eval --help")
    run(wanted, as_json=as_json)
