"""`supportplane backup`: everything an agent knows and has said, in one file, while it runs or not."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from supportplane_cli.archive import API_KEY, DATABASE, SECRETS, VISITORS, write_archive
from supportplane_cli.console import emit, note, say
from supportplane_cli.errors import CommandFailed
from supportplane_cli.options import DataDirOption, DryRunOption, JsonOption
from supportplane_cli.paths import DataDir, find_data_dir

EPILOG = """Examples:

  supportplane backup agent.backup

  supportplane backup "agent-$(date +%F).backup"

The file holds conversations and the secrets of the data directory: keep it as safe as these.
"""


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
    data_dir: DataDirOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write database, API key and secrets into one file, consistent as of one moment."""
    from supportplane_cli.dumping import database_of

    data = find_data_dir(data_dir)
    if file.exists() and not force:
        raise CommandFailed(f"{file} exists.", hint="name another file, or add --force")
    members = private_files(data)
    if dry_run:
        say(f"Would write the database and {len(members)} files of {data.root} to {file}")
        return
    with database_of(data) as url:
        facts = make(url, members, file)
    if as_json:
        emit(facts)
    else:
        say(f"Wrote {file} ({facts['megabytes']} MB)")
        note("It holds conversations and secrets: only you can read it, keep it so.")


def make(url: str, members: dict[str, Path], file: Path) -> dict[str, object]:
    from supportplane_cli.dumping import dump
    from supportplane_cli.embedded.postgres import MAJOR
    from supportplane_runtime.store.migrate import current

    with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".backup-") as folder:
        target = Path(folder) / DATABASE
        dump(url, target)
        manifest = write_archive(file, {DATABASE: target, **members}, schema=current(url), postgres=MAJOR)
    return {"file": str(file), "megabytes": round(file.stat().st_size / 1e6, 1), "schema": manifest.schema}


def private_files(data: DataDir) -> dict[str, Path]:
    """What belongs to the rows of the database, by the names it has in the archive."""
    secrets = {f"{SECRETS}/{path.relative_to(data.secrets)}": path for path in sorted(data.secrets.glob("*/*"))}
    files = {API_KEY: data.api_key, VISITORS: data.visitor_secret, **secrets}
    return {name: path for name, path in files.items() if path.is_file()}
