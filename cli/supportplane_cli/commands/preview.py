"""`supportplane preview`: what a change in a team's repository alters on its clusters, before it is merged."""

import io
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supportplane_cli.console import emit_text
from supportplane_cli.errors import CommandFailed, WrongUsage

if TYPE_CHECKING:
    from supportplane_cli.gitops.preview import Change

EPILOG = """Examples:

  supportplane preview

  supportplane preview --base origin/main > preview.md

The files as they are in your folder are compared with a revision. It takes kustomize or kubectl, and git.
Exit code 1 means that an agent would be refused, or that an overlay cannot be built.
"""

DirectoryOption = Annotated[Path, typer.Option("--directory", "-C", help="A folder of the repository.")]
BaseOption = Annotated[str, typer.Option(help="Revision of git that the files are compared with.")]


def preview(directory: DirectoryOption = Path(), base: BaseOption = "HEAD") -> None:
    """Show as Markdown which objects of which cluster a change alters, and where an agent gets a new revision."""
    from supportplane_cli.gitops.git import repository_at
    from supportplane_cli.gitops.preview import markdown

    repository = repository_at(directory)
    if not repository.has(f"{base}^{{commit}}"):
        raise WrongUsage(f"there is no revision {base}", hint="git fetch, or name another --base")
    with tempfile.TemporaryDirectory(prefix="supportplane-preview-") as folder:
        _unpack(repository.root, base, Path(folder))
        changes = _changes(Path(folder), repository.root)
    emit_text(markdown(changes))
    refused = [each.overlay for each in changes if each.after.problem]
    if refused:
        raise CommandFailed(f"the agent of {refused[0]} would be refused: {_first(changes)}")


def _unpack(root: Path, revision: str, folder: Path) -> None:
    command = ["git", "-C", str(root), "archive", "--format=tar", revision]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise CommandFailed(f"git archive failed: {done.stderr.decode(errors='replace').strip()}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _changes(before: Path, after: Path) -> "list[Change]":
    """A base that cannot be built counts as empty: the change may be what mends it."""
    from supportplane_cli.gitops.kustomize import build, overlays
    from supportplane_cli.gitops.preview import NOTHING, Change, read_build

    there, here = overlays(before), overlays(after)
    if not here and not there:
        raise WrongUsage(f"{after} has no clusters/*/agents/*", hint="supportplane init makes such a repository")
    found = []
    for overlay in sorted({*there, *here}):
        old, new = NOTHING, NOTHING
        if overlay in there:
            try:
                old = read_build(build(before, overlay))
            except CommandFailed:
                old = NOTHING
        if overlay in here:
            new = read_build(build(after, overlay))
        found.append(Change(overlay, old, new))
    return found


def _first(changes: "list[Change]") -> str:
    return next(each.after.problem for each in changes if each.after.problem)
