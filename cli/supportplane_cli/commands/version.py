"""`supportplane version`: this release and the versions of what it embeds."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from supportplane_cli import __version__
from supportplane_cli.console import emit, say
from supportplane_cli.errors import CommandFailed
from supportplane_cli.options import JsonOption

EPILOG = """Examples:

  supportplane version

  supportplane version --json
"""


def version(as_json: JsonOption = False) -> None:
    """Show the version of supportplane and of the embedded parts."""
    facts = {"supportplane": __version__, "python": platform.python_version(), **embedded_versions()}
    if as_json:
        emit(facts)
        return
    for name, value in facts.items():
        say(f"{name:13} {value}")


def embedded_versions() -> dict[str, str]:
    from supportplane_cli.embedded.model_server import EMBEDDED_MODEL
    from supportplane_cli.embedded.postgres import binary
    from supportplane_cli.embedded.redis import wheel_binary

    try:
        return {
            "postgresql": said_by(str(binary("postgres"))).removeprefix("postgres (PostgreSQL) "),
            "redis": said_by(str(wheel_binary())).partition("v=")[2].partition(" ")[0],
            "llama.cpp": f"xllamacpp {installed('xllamacpp')}",
            "model": EMBEDDED_MODEL,
        }
    except (CommandFailed, PackageNotFoundError):
        return {"embedded parts": "not installed (pip install 'supportplane[embedded]')"}


def said_by(program: str) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
