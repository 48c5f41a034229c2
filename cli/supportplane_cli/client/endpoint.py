"""Which agent a command talks to: the one that runs on the data directory, or the one at --url."""

import getpass
from pathlib import Path

from supportplane_cli.client.api import Endpoint
from supportplane_cli.errors import WrongUsage
from supportplane_cli.paths import DataDir
from supportplane_cli.state import running_state


def choose_endpoint(data: DataDir, url: str | None, key_file: Path | None) -> Endpoint:
    """Raises NothingRunning when no agent runs here, WrongUsage when --url comes without a readable key."""
    if url is None:
        return Endpoint(running_state(data).url, read_key(key_file or data.api_key))
    if key_file is None:
        raise WrongUsage("--url needs the API key of that agent.", hint="add --key-file FILE")
    return Endpoint(url, read_key(key_file))


def read_key(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise WrongUsage(f"The API key file {path} cannot be read: {error.strerror}.") from error


def user_id() -> str:
    """Who asks: the name of this machine's user, so that conversations of one person are found together."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as in some containers
        return "local"
