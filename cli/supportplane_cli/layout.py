"""Which release wrote a data directory. An older layout is upgraded, a newer one is left alone and named."""

import json
import time

from supportplane_cli import __version__
from supportplane_cli.errors import DataUnusable
from supportplane_cli.paths import DataDir
from supportplane_cli.private_files import write_private

LAYOUT = 1  # raised when folders or files move; the database schema has versions of its own (alembic)


def check_layout(data: DataDir) -> None:
    """Raises DataUnusable for a directory of a newer release, or whose note about itself is unreadable."""
    if not data.layout.exists():
        return
    try:
        facts = json.loads(data.layout.read_text())
        layout, release = int(facts["layout"]), str(facts["release"])
    except (ValueError, KeyError, TypeError):
        raise DataUnusable(
            f"{data.layout} is damaged, so the release that wrote this data directory is unknown.",
            hint=f'if it was this one: echo \'{{"layout": {LAYOUT}, "release": "{__version__}"}}\' > {data.layout}',
        ) from None
    if layout > LAYOUT:
        raise DataUnusable(
            f"The data directory {data.root} was written by supportplane {release}; this is {__version__}.",
            hint=f"install supportplane {release} or newer, or name another --data-dir",
        )


def save_layout(data: DataDir) -> None:
    facts = {"layout": LAYOUT, "release": __version__, "used_at": int(time.time())}
    write_private(data.layout, json.dumps(facts) + "\n")
