"""`supportplane init`: a team's own repository from one of the starting points."""

from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from supportplane_cli.console import note, say
from supportplane_cli.errors import CommandFailed, WrongUsage
from supportplane_cli.gitops.starting_point import REPOSITORY
from supportplane_cli.gitops.tracks import TRACKS
from supportplane_cli.options import DryRunOption

EPILOG = """Examples:

  supportplane init --track weekend my-agent

  supportplane init --track startup --repository https://github.com/acme/support.git .

  supportplane init --track enterprise --repository git@git.acme.example:support.git --dry-run support

  supportplane init --track startup --repository https://git.acme.example/support.git --components none .

Tracks: weekend, a laptop; startup, one cluster; enterprise, several regions. Nothing that exists is overwritten.
"""

DirectoryArgument = Annotated[Path, typer.Argument(help="Folder of the repository; made if it is not there.")]
TrackOption = Annotated[str, typer.Option(help=f"Starting point: {', '.join(TRACKS)}.")]
RepositoryOption = Annotated[
    str | None,
    typer.Option(help="Address that Argo CD reads the repository at; needed for clusters.", show_default=False),
]
ComponentsOption = Annotated[
    str | None,
    typer.Option(
        help="Parts of the platform beside Supportplane: names with commas between, or none. Default: the track's.",
        show_default=False,
    ),
]


def init(
    directory: DirectoryArgument,
    track: TrackOption = "startup",
    repository: RepositoryOption = None,
    components: ComponentsOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Write environments and clusters for Argo CD, or an agent file for a laptop, as a repository of your own."""
    from supportplane_cli.gitops.starting_point import Wanted, files_of
    from supportplane_cli.gitops.tree import shipped_tree

    if track not in TRACKS:
        raise WrongUsage(f"there is no track {track}", hint=f"one of: {', '.join(TRACKS)}")
    _check(track, repository, components)
    files = files_of(Wanted(TRACKS[track], repository or REPOSITORY, components), shipped_tree())
    _refuse_to_overwrite(directory, files)
    if dry_run:
        say("\n".join(str(directory / path) for path in files))
        note(f"{len(files)} files would be written; nothing was")
        return
    _write(directory, files)
    say(f"{len(files)} files of the track {track} ({TRACKS[track].purpose}) are in {directory}")
    for line in _next_steps(track, directory):
        say(line)


def _check(track: str, repository: str | None, components: str | None) -> None:
    """Raises WrongUsage for flags that do not fit the track."""
    is_laptop = not TRACKS[track].clusters
    if is_laptop and (repository or components):
        raise WrongUsage(f"track {track} is for a laptop: --repository and --components are for clusters")
    if not is_laptop and repository is None:
        raise WrongUsage(
            f"track {track} needs --repository: Argo CD reads the files from there",
            hint=f"supportplane init --track {track} --repository https://git.example.com/team/support.git DIR",
        )
    if repository is not None and any(each.isspace() for each in repository):
        raise WrongUsage(f"--repository {repository!r} is no address: it holds a blank")


def _refuse_to_overwrite(directory: Path, files: dict[PurePosixPath, bytes]) -> None:
    if directory.exists() and not directory.is_dir():
        raise WrongUsage(f"{directory} is a file, not a folder")
    there = [path for path in files if (directory / path).exists()]
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise WrongUsage(f"{directory / there[0]} exists{more}: nothing was written", hint="name another folder")


def _write(directory: Path, files: dict[PurePosixPath, bytes]) -> None:
    """Readable by all: a repository holds no secret."""
    try:
        for path, content in files.items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.write(content)
            target.chmod(0o644)
    except OSError as error:
        raise CommandFailed(f"cannot write to {directory}: {error.strerror}: {error.filename}") from error


def _next_steps(track: str, directory: Path) -> tuple[str, ...]:
    if not TRACKS[track].clusters:
        return (f"next: supportplane up -f {directory / 'agent.yaml'}",)
    return (
        "next: look through environments/ and clusters/*/cluster.yaml for example.com, then commit and push",
        "then make the operator's signing key and apply clusters/bootstrap once:",
        "https://github.com/supportplane/supportplane/blob/main/docs/how-to/install-by-gitops.md",
    )
