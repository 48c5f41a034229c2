"""`supportplane eval`: measure retrieval, answers and refusals on a folder of questions. The engine is evaluation/."""

from pathlib import Path
from typing import Annotated

import typer

from supportplane_cli.options import JsonOption

EPILOG = """Examples:

  supportplane eval --data ./questions

  supportplane eval --data ./questions --json > result.json
"""


def evaluate(
    data: Annotated[Path, typer.Option("--data", help="Folder with documents and questions.")],
    as_json: JsonOption = False,
) -> None:
    """Measure a folder of questions through the real ingestion, retrieval and verification."""
    from supportplane_cli.evaluation.run import run

    run(data, as_json=as_json)
