"""`supportplane link`: a new one-time link to the chat page of the running agent."""

import asyncio

from supportplane_cli.console import emit, say
from supportplane_cli.options import DataDirOption, JsonOption
from supportplane_cli.paths import find_data_dir
from supportplane_cli.state import State, running_state

EPILOG = """Examples:

  supportplane link

The link signs one browser in, once, within 15 minutes.
"""


def link(data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """Print a one-time link that signs a browser in to the chat page."""
    url = asyncio.run(make(running_state(find_data_dir(data_dir))))
    if as_json:
        emit({"url": url})
    else:
        say(url)


async def make(state: State) -> str:
    from supportplane_cli import storage

    async with storage.opened_store(state.database_url) as store:
        return await storage.one_time_link(store, state.tenant, state.url)
