"""Writes what a reader judges: rows in FILE, the answers to read beside it in Markdown. Nothing is overwritten.

A file that is there may hold verdicts, which took a person hours.
"""

from collections.abc import Sequence
from pathlib import Path

from supportplane_cli.console import note
from supportplane_cli.errors import CommandFailed, WrongUsage
from supportplane_cli.evaluation.questions import Asked
from supportplane_runtime.evaluation import transcript


def check(path: Path) -> None:
    """Before hours of asking: raises WrongUsage for a place that cannot take a transcript."""
    if path.suffix != ".jsonl":
        raise WrongUsage(f"{path} must end in .jsonl: the answers to read are written beside it, in .md.")
    for each in (path, _readable(path)):
        if each.exists():
            raise WrongUsage(f"{each} is there already and may hold verdicts. Name another file.")
    if not path.parent.is_dir():
        raise WrongUsage(f"{path.parent} is not a folder.")


def write(path: Path, asked: Sequence[Asked]) -> None:
    rows = [row for each in asked for row in transcript.rows(each.product, each.observations)]
    answers = [transcript.markdown(each.product, each.observations) for each in asked]
    try:
        path.write_text("".join(row.model_dump_json() + "\n" for row in rows), encoding="utf-8")
        _readable(path).write_text("\n".join(answers), encoding="utf-8")
    except OSError as problem:
        raise CommandFailed(f"The transcript cannot be written to {path}: {problem.strerror}.") from problem
    note(f"{len(rows)} answers to judge: read {_readable(path)}, and set verdicts in {path}.")


def _readable(path: Path) -> Path:
    return path.with_suffix(".md")
