"""`supportplane eval`: measure answers, and what decides about them, on one's own sets. The engine is evaluation/."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from supportplane_cli.errors import WrongUsage
from supportplane_cli.options import DataDirOption, JsonOption

EPILOG = """Examples:

  supportplane eval --data ./questions

  supportplane eval --data ./shop --data ./bank

  supportplane eval --claims claims.jsonl

  supportplane eval --claims claims.jsonl --judge agent.yaml

  supportplane eval --judged answers.jsonl

  supportplane eval -f agent.yaml --questions questions.jsonl --transcript answers.jsonl

  supportplane eval --data ./shop --part kept

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
    judge: Annotated[
        list[str] | None,
        typer.Option(
            help="Who judges --claims: none, accepts-everything, right-but-for:SHARE, or an agent file whose judge is"
            " asked. Default: none, accepts-everything and right-but-for:0.03.",
            show_default=False,
        ),
    ] = None,
    judged: Annotated[
        list[Path] | None, typer.Option("--judged", help="File with answers that a reader judged.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", help="Agent file whose documents --questions are asked of.", show_default=False),
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(help="File with questions about the documents of --file.", show_default=False)
    ] = None,
    transcript: Annotated[
        Path | None, typer.Option(help="New .jsonl file for the answers, to be judged.", show_default=False)
    ] = None,
    answer_all: Annotated[
        bool, typer.Option("--answer-all", help="Answer for --transcript also what would go to a person.")
    ] = False,
    part: Annotated[
        Literal["tuning", "kept"] | None,
        typer.Option(help="Ask only this half of the questions, chosen by --seed.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the halves.")] = 7,
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
    from supportplane_cli.paths import find_data_dir
    from supportplane_runtime.evaluation.dataset import Part

    if (file is None) is not (questions is None):
        raise WrongUsage("--file and --questions belong together: the questions are asked of the file's documents.")
    agent = None if file is None or questions is None else (file, questions)
    half = None if part is None else Part(part)
    if judge and not claims:
        raise WrongUsage("--judge says who judges claims: it needs --claims FILE.")
    wanted = Wanted(
        data or [],
        claims or [],
        judged or [],
        agent=agent,
        part=half,
        seed=seed,
        transcript=transcript,
        answer_all=answer_all,
        judges=judge or (),
        secrets=find_data_dir(data_dir).secrets,
    )
    if not (wanted.asks or wanted.claims or wanted.judged):
        message = "Say what to measure: --data FOLDER, --file FILE with --questions, --claims FILE or --judged FILE."
        raise WrongUsage(message, hint="supportplane eval --help")
    if not wanted.asks and (part or transcript):
        raise WrongUsage("--part and --transcript need questions: --data FOLDER, or --file with --questions.")
    if answer_all and not transcript:
        raise WrongUsage("--answer-all is for readers: it needs --transcript FILE.")
    run(wanted, Before(kept.place(save, data_dir), against, fail_if_worse), as_json=as_json)
