"""`supportplane eval`: measure answers, and what decides about them, on one's own sets. The engine is evaluation/."""

from pathlib import Path
from typing import Annotated

import typer

from supportplane_cli.errors import WrongUsage
from supportplane_cli.options import DataDirOption, JsonOption

EPILOG = """Examples:

  supportplane eval --data ./questions

  supportplane eval --data ./shop --data ./bank

  supportplane eval --claims claims.jsonl

  supportplane eval --judged answers.jsonl

  supportplane eval --data ./questions --save figures.json

  supportplane eval --data ./questions --against figures.json --fail-if-worse

  supportplane eval --data ./questions --json > result.json

No agent has to run and no key is needed. --data, --claims and --judged can be given several times. Each run is compared
with the last one over the same set, which --save FILE or else the data directory keeps. Exit code 1 means with
--fail-if-worse that a figure got worse, exit code 2 that a file or folder cannot be measured.
"""


def evaluate(  # noqa: PLR0913, PLR0917  # each parameter is a flag
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Folder with documents and questions.", show_default=False)
    ] = None,
    claims: Annotated[
        list[Path] | None,
        typer.Option("--claims", help="File with true and false sentences about passages.", show_default=False),
    ] = None,
    judged: Annotated[
        list[Path] | None, typer.Option("--judged", help="File with answers that a reader judged.", show_default=False)
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(help="File that keeps the figures. Default: a file of the data directory.", show_default=False),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="File with the figures to compare with, instead of the last.", show_default=False),
    ] = None,
    fail_if_worse: Annotated[
        bool, typer.Option("--fail-if-worse", help="Exit with 1 when a figure is worse than before.")
    ] = False,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure retrieval, answers and refusals on questions, the proof of sentences on claims, and judged answers."""
    from supportplane_cli.evaluation import kept
    from supportplane_cli.evaluation.run import Before, Wanted, run

    wanted = Wanted(data or [], claims or [], judged or [])
    if not (wanted.data or wanted.claims or wanted.judged):
        raise WrongUsage(
            "Say what to measure: --data FOLDER, --claims FILE or --judged FILE.", hint="supportplane eval --help"
        )
    run(wanted, Before(kept.place(save, data_dir), against, fail_if_worse), as_json=as_json)
