"""`supportplane images`: which images clusters run, and where a registry of one's own must have them."""

from pathlib import Path
from typing import Annotated

import typer

from supportplane_cli.console import emit, say, table
from supportplane_cli.errors import WrongUsage
from supportplane_cli.options import JsonOption

EPILOG = """Examples:

  supportplane images

  supportplane images --directory ~/acme/support --json

  supportplane images --registry registry.acme.example/mirror --copy

The last one prints a line for each image, to be run where both registries can be reached. One value then makes a
cluster pull from there: imageRegistry in its cluster.yaml, or of the operator's chart.
"""

DirectoryOption = Annotated[
    Path | None,
    typer.Option(
        "--directory", "-C", help="A team's repository. Default: what this release ships.", show_default=False
    ),
]
RegistryOption = Annotated[
    str | None, typer.Option(help="Registry of your own, with a path or without.", show_default=False)
]
CopyOption = Annotated[bool, typer.Option("--copy", help="With --registry: print commands of skopeo that copy them.")]


def images(
    directory: DirectoryOption = None,
    registry: RegistryOption = None,
    copy: CopyOption = False,
    as_json: JsonOption = False,
) -> None:
    """List every image: of the operator, of agents, of models, and of the parts of the platform."""
    from supportplane_cli.gitops.components import PLATFORM
    from supportplane_cli.gitops.images import images_of
    from supportplane_cli.gitops.tree import shipped_tree
    from supportplane_operator.images import relocated

    if copy and registry is None:
        raise WrongUsage("--copy needs --registry: where to")
    root = directory or shipped_tree()
    if not (root / PLATFORM).is_dir():
        raise WrongUsage(f"{root} has no {PLATFORM}", hint="supportplane init makes such a repository")
    found = [(each, relocated(each.name, registry or "")) for each in images_of(root)]
    if copy:
        for image, there in found:
            say(f"skopeo copy --all docker://{image.name} docker://{there}")
    elif as_json:
        emit([{"image": image.name, "in_registry": there, "used_by": list(image.users)} for image, there in found])
    else:
        columns = ("image", *(("in the registry",) if registry else ()), "used by")
        rows = [(image.name, *((there,) if registry else ()), ", ".join(image.users)) for image, there in found]
        table(columns, rows)
