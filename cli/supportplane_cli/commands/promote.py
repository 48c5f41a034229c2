"""`supportplane promote`: what an environment has released becomes a branch for the next one, and a pull request."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supportplane_cli.console import emit_text, note, say
from supportplane_cli.errors import WrongUsage
from supportplane_cli.options import DryRunOption

if TYPE_CHECKING:
    from supportplane_cli.gitops.forge import Forge
    from supportplane_cli.gitops.git import Repository
    from supportplane_cli.gitops.promotion import Promotion

TOKEN_VARIABLE = "SUPPORTPLANE_FORGE_TOKEN"  # noqa: S105 -- the name of a variable

EPILOG = """Examples:

  supportplane promote dev staging --dry-run

  supportplane promote staging production

  SUPPORTPLANE_FORGE_TOKEN=... supportplane promote staging production --base main

  supportplane promote dev staging --token-from GITEA_TOKEN --forge-api https://git.acme.example/api/v1

Only environments/NAME/release moves, as it is in the last commit. Your files and your branch stay as they are.
"""

SourceArgument = Annotated[str, typer.Argument(metavar="FROM", help="Environment that has the release.")]
TargetArgument = Annotated[str, typer.Argument(metavar="TO", help="Environment that gets it.")]
DirectoryOption = Annotated[Path, typer.Option("--directory", "-C", help="A folder of the repository.")]
BranchOption = Annotated[
    str | None, typer.Option(help="Name of the branch. Default: promote/FROM-to-TO-COMMIT.", show_default=False)
]
RemoteOption = Annotated[str, typer.Option(help="Where the branch is pushed to for a pull request.")]
BaseOption = Annotated[str, typer.Option(help="Branch that the pull request is for.")]
TokenOption = Annotated[
    str, typer.Option(metavar="VARIABLE", help="Environment variable with the forge's token; unset: a branch only.")
]
ApiOption = Annotated[
    str | None,
    typer.Option(help="API of the forge; GitHub's own for github.com, .../api/v1 of Gitea.", show_default=False),
]


def promote(  # noqa: PLR0913, PLR0917  # each parameter is a flag
    source: SourceArgument,
    target: TargetArgument,
    directory: DirectoryOption = Path(),
    branch: BranchOption = None,
    remote: RemoteOption = "origin",
    base: BaseOption = "main",
    token_from: TokenOption = TOKEN_VARIABLE,
    forge_api: ApiOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Promote a release: a branch with the change, and a pull request where a token of the forge is set."""
    from supportplane_cli.gitops.git import repository_at
    from supportplane_cli.gitops.promotion import compare, make_branch, uncommitted

    repository = repository_at(directory)
    promotion = compare(repository, source, target)
    if uncommitted(repository, source):
        note(f"note: changes of environments/{source}/release that are not committed are left out")
    if not promotion.diff:
        say(f"{target} has the release of {source} already: there is nothing to promote")
        return
    if dry_run:
        emit_text(promotion.diff)
        return
    token = os.environ.get(token_from, "")
    name = branch or promotion.branch
    # Before anything is written: what the pull request needs is known, or the command ends.
    forge = _forge(repository, remote, forge_api, token) if token else None
    make_branch(repository, promotion, name)
    say(f"the branch {name} promotes {source} to {target}")
    if forge is None:
        say(f"next: git push {remote} {name}, and open a pull request; ${token_from} is not set")
        return
    _request(repository, promotion, forge, (remote, name, base))


def _forge(repository: "Repository", remote: str, api: str | None, token: str) -> "Forge":
    from supportplane_cli.gitops.forge import GITHUB_API, Forge, project_of

    host, project = project_of(repository.run("remote", "get-url", "--push", remote).strip())
    if api is None and host != "github.com":
        raise WrongUsage(
            f"the forge of {host} is not known by its host name", hint=f"--forge-api https://{host}/api/v1"
        )
    return Forge(api or GITHUB_API, project, token)


def _request(repository: "Repository", promotion: "Promotion", forge: "Forge", way: tuple[str, str, str]) -> None:
    """way: remote, branch and the branch that the request is for."""
    from supportplane_cli.gitops.forge import PullRequest, open_pull_request

    remote, name, base = way
    repository.run("push", "--quiet", remote, f"refs/heads/{name}")
    say(open_pull_request(forge, PullRequest(promotion.title, promotion.body, name, base)))
