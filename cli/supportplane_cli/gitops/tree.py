"""Where this release keeps environments/, clusters/, the operator's chart and the definitions.

An installed wheel has them beside this module; a checkout has them at its root.
"""

from pathlib import Path

from supportplane_cli.errors import CommandFailed

_SHIPPED = Path(__file__).parent / "shipped"
_CHECKOUT = Path(__file__).resolve().parents[3]


def shipped_tree() -> Path:
    """Folder that holds environments and clusters. Raises CommandFailed where an installation left them out."""
    for folder in (_SHIPPED, _CHECKOUT):
        if (folder / "clusters/platform").is_dir():
            return folder
    raise CommandFailed(
        "this installation of supportplane has no starting points for clusters",
        hint="install the wheel of a release, or run the command from a checkout of the repository",
    )
