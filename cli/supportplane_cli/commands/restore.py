"""`supportplane restore`: put a backup into a data directory, replacing what is there only when told to."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supportplane_cli.archive import API_KEY, DATABASE, SECRETS, VISITORS, read_archive
from supportplane_cli.console import emit, say, visible
from supportplane_cli.errors import CommandFailed
from supportplane_cli.options import DataDirOption, DryRunOption, JsonOption
from supportplane_cli.paths import DataDir, find_data_dir

if TYPE_CHECKING:
    from supportplane_cli.archive import Manifest

EPILOG = """Examples:

  supportplane restore agent.backup --data-dir ~/agents/shop

  supportplane restore agent.backup --force

Stop the agent first (`supportplane down`). A restore that fails changes nothing.
"""


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `supportplane backup` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the data that is there.")] = False,
    data_dir: DataDirOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put a backup's database, API key and secrets into the data directory."""
    from supportplane_cli.layout import check_layout
    from supportplane_cli.lock import DataLock
    from supportplane_cli.supervisor import preflight

    data = find_data_dir(data_dir)
    occupied = (data.postgres / "data").exists()
    if not dry_run:
        preflight.prepare_folder(data)
        check_layout(data)
        preflight.check_space(data.root)
    with tempfile.TemporaryDirectory(dir=data.root if data.root.exists() else None, prefix=".restore-") as folder:
        manifest = read_archive(file, Path(folder))
        if dry_run:
            verb = "replace the data in" if occupied else "fill"
            say(f"{file} of {manifest.created_at}, schema {manifest.schema}, would {verb} {data.root}")
            return
        with DataLock(data, purpose="restore"):
            if occupied and not force:
                confirm(data)
            apply(data, Path(folder))
    report(file, data, manifest, as_json=as_json)


def confirm(data: DataDir) -> None:
    """A person may say yes; a script has to say --force."""
    refusal = CommandFailed(
        f"{data.root} already holds data.", hint="add --force to replace it, or name another --data-dir"
    )
    if not sys.stdin.isatty():
        raise refusal
    if not typer.confirm(visible(f"Replace all data in {data.root}?")):
        raise refusal


def apply(data: DataDir, folder: Path) -> None:
    """The database first: it is what can fail."""
    from supportplane_cli.dumping import embedded_database, replace_database
    from supportplane_cli.layout import save_layout
    from supportplane_cli.private_files import write_private

    with embedded_database(data) as postgres:
        replace_database(postgres, folder / DATABASE)
    for name, target in ((API_KEY, data.api_key), (VISITORS, data.visitor_secret)):
        if (folder / name).exists():
            write_private(target, (folder / name).read_text())
    if (folder / SECRETS).exists():
        shutil.rmtree(data.secrets, ignore_errors=True)
        for path in (folder / SECRETS).glob("*/*"):
            write_private(data.secrets / path.relative_to(folder / SECRETS), path.read_text())
    data.warmth.unlink(missing_ok=True)  # it speaks of the database that was replaced
    save_layout(data)


def report(file: Path, data: DataDir, manifest: "Manifest", *, as_json: bool) -> None:
    if as_json:
        emit({"file": str(file), "data_dir": str(data.root), "created_at": manifest.created_at})
    else:
        say(f"Restored {file} of {manifest.created_at} into {data.root}; start it with `supportplane up`")
