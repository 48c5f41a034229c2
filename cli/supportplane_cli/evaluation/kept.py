"""Where the figures of a run are kept, so that the next run can be compared with them: one file, read and written here.

`--save FILE` names it; without it the data directory keeps it, when there is one. Nothing else is created.
"""

from pathlib import Path

from supportplane_cli.errors import CommandFailed
from supportplane_cli.paths import find_data_dir
from supportplane_cli.private_files import write_private
from supportplane_runtime.evaluation import document
from supportplane_runtime.evaluation.document import Run


def place(save: Path | None, data_dir: Path | None) -> Path | None:
    """None when no file is named and no data directory is there."""
    if save is not None:
        return save
    data = find_data_dir(data_dir)
    return data.evaluation if data.root.is_dir() else None


def read(path: Path) -> Run:
    """Raises InvalidRequest for a file that holds no run, CommandFailed for one that cannot be read."""
    try:
        return document.parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as problem:
        raise CommandFailed(f"{path} cannot be read: {problem.strerror}.") from problem
    except UnicodeDecodeError as problem:
        raise CommandFailed(f"{path} holds no figures of an evaluation: it is not text.") from problem


def write(path: Path, run: Run) -> None:
    """Sets that this run did not measure stay as they were."""
    whole = run.over(read(path)) if path.exists() else run
    try:
        write_private(path, whole.model_dump_json(by_alias=True, indent=2) + "\n")
    except OSError as problem:
        raise CommandFailed(f"The figures cannot be kept in {path}: {problem.strerror}.") from problem
