"""`supportplane chat`: a conversation in the terminal, where a later question builds on the ones before."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from supportplane_cli.console import say
from supportplane_cli.errors import Refused
from supportplane_cli.options import DataDirOption, KeyFileOption, UrlOption
from supportplane_cli.paths import find_data_dir

if TYPE_CHECKING:
    from supportplane_cli.client.api import Api

EPILOG = """Examples:

  supportplane chat

  supportplane chat --conversation 6f1d...  (goes on with an earlier one)

In the chat: /up and /down rate the last answer and take a comment (/down the price is missing), /new begins another
conversation, /quit or Ctrl-D ends. What begins with another / is no question: // asks a question that begins with one.
"""
RATINGS = {"/up": "up", "/down": "down"}


def chat(
    conversation: Annotated[str | None, typer.Option(help="Go on with this conversation id.")] = None,
    user: Annotated[str | None, typer.Option(help="Who asks. Default: your user name.", show_default=False)] = None,
    data_dir: DataDirOption = None,
    url: UrlOption = None,
    key_file: KeyFileOption = None,
) -> None:
    """Talk with the running agent."""
    from supportplane_cli.client.api import Api
    from supportplane_cli.client.endpoint import choose_endpoint, user_id

    endpoint = choose_endpoint(find_data_dir(data_dir), url, key_file)

    async def run() -> None:
        async with Api(endpoint) as api:
            await Chat(api, user or user_id(), conversation).run()

    asyncio.run(run())


class Chat:
    """One sitting: lines in, turns out, until the input ends."""

    def __init__(self, api: "Api", user: str, conversation: str | None) -> None:
        self._api = api
        self._user = user
        self._conversation = conversation
        self._last_turn: str | None = None

    async def run(self) -> None:
        while (line := await asyncio.to_thread(read_line)) is not None and line != "/quit":
            try:
                await self._take(line)
            except Refused as refusal:
                say(f"error: {refusal.message}")

    async def _take(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        if command in RATINGS:
            await self._rate(RATINGS[command], rest.strip() or None)
        elif line == "/new":
            self._conversation = None
        elif line.startswith("//"):
            await self._ask(line[1:])
        elif line.startswith("/"):
            say(f"{command} is no command of the chat. There are /up, /down, /new and /quit.")
        elif line:
            await self._ask(line)

    async def _ask(self, text: str) -> None:
        from supportplane_cli.client.api import Question
        from supportplane_cli.client.render import make_renderer
        from supportplane_cli.commands.ask import show_turn

        reply = await show_turn(self._api, Question(text, self._user, self._conversation), make_renderer(as_json=False))
        self._conversation = str(reply["conversation_id"])
        self._last_turn = str(reply["turn_id"])

    async def _rate(self, rating: str, comment: str | None) -> None:
        if self._last_turn is None:
            say("There is no answer to rate yet.")
            return
        await self._api.feedback(self._last_turn, rating, comment)
        say("Thank you." if comment is None else "Thank you. Your comment is stored.")


def read_line() -> str | None:
    """The next line without its ends; None at the end of the input."""
    try:
        return input("you> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return None
