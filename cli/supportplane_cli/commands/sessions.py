"""`supportplane sessions`: which browsers are signed in to the chat page of the running agent; signs them out."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from supportplane_cli.console import emit, say, table
from supportplane_cli.errors import WrongUsage
from supportplane_cli.options import DataDirOption, DryRunOption, JsonOption
from supportplane_cli.paths import find_data_dir
from supportplane_cli.state import State, running_state

if TYPE_CHECKING:
    from supportplane_runtime.store.interfaces.sessions import OpenSession

LIST_EPILOG = """Examples:

  supportplane sessions list

  supportplane sessions list --json | jq -r '.[].session_id'

Exit code 3 means that nothing is running.
"""
END_EPILOG = """Examples:

  supportplane sessions end 9f86d081884c7d65

  supportplane sessions end --all

The next request of the browser is refused; a stream that is open ends within 5 seconds. Exit code 1 means that there is
no such session, 3 that nothing is running.
"""

cli = typer.Typer(help="List and end the sessions of the chat page.", no_args_is_help=True)


@cli.command("list", epilog=LIST_EPILOG)
def listing(data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """List the browsers that are signed in, never their secrets."""
    found = [describe(each) for each in asyncio.run(read(running_state(find_data_dir(data_dir))))]
    if as_json:
        emit(found)
        return
    columns = ("session_id", "user_id", "started_at", "expires_at")
    table(
        [column.replace("_", " ") for column in columns], [[each[column][:19] for column in columns] for each in found]
    )


@cli.command(epilog=END_EPILOG)
def end(
    session_id: Annotated[
        str | None, typer.Argument(help="The id, from `supportplane sessions list`.", show_default=False)
    ] = None,
    everyone: Annotated[
        bool, typer.Option("--all", help="End every session, and every one-time link that is not used yet.")
    ] = False,
    data_dir: DataDirOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Sign one browser out, or all."""
    if (session_id is None) != everyone:
        raise WrongUsage("Name one session, or give --all.", hint="see the ids with `supportplane sessions list`")
    state = running_state(find_data_dir(data_dir))
    if dry_run:
        say(f"Would end {'every session' if everyone else f'the session {session_id}'}.")
        return
    ended = asyncio.run(finish(state, session_id))
    if as_json:
        emit({"ended": ended})
    else:
        say(f"Ended {ended} sessions." if ended != 1 else "Ended 1 session.")


async def read(state: State) -> "list[OpenSession]":
    from supportplane_cli import storage

    async with storage.opened_store(state.database_url) as store:
        return await store.sessions.listing(state.tenant)


async def finish(state: State, session_id: str | None) -> int:
    """How many ended. None: all of them."""
    from supportplane_cli import storage

    async with storage.opened_store(state.database_url) as store:
        if session_id is None:
            return await store.sessions.end_all(state.tenant)
        await store.sessions.end_one(state.tenant, session_id)
        return 1


def describe(session: "OpenSession") -> dict[str, str]:
    return {
        "session_id": session.session_id,
        "user_id": session.user_id,
        "started_at": session.started_at.isoformat(),
        "expires_at": session.expires_at.isoformat(),
    }
