"""`supportplane ask`: one question, one answer, with its sources."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from supportplane_cli.options import DataDirOption, JsonOption, KeyFileOption, UrlOption
from supportplane_cli.paths import find_data_dir

if TYPE_CHECKING:
    from supportplane_cli.client.api import Api, Question
    from supportplane_cli.client.render import Renderer

EPILOG = """Examples:

  supportplane ask "How do I rotate an API key?"

  supportplane ask --json "How do I back up?" | jq -r .response

  supportplane ask --url https://help.example.com --key-file key.txt "Where is my order?"

Exit code 3 means that nothing is running, 5 that the agent refused the question.
"""


def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotes.")],
    user: Annotated[str | None, typer.Option(help="Who asks. Default: your user name.", show_default=False)] = None,
    data_dir: DataDirOption = None,
    url: UrlOption = None,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the running agent one question and show its answer, sources and confidence."""
    from supportplane_cli.client.api import Api, Question
    from supportplane_cli.client.endpoint import choose_endpoint, user_id
    from supportplane_cli.client.render import make_renderer

    endpoint = choose_endpoint(find_data_dir(data_dir), url, key_file)
    renderer = make_renderer(as_json=as_json)

    async def run() -> None:
        async with Api(endpoint) as api:
            await show_turn(api, Question(question, user or user_id()), renderer)

    asyncio.run(run())


async def show_turn(api: "Api", question: "Question", renderer: "Renderer") -> dict[str, object]:
    """Ask and show; returns the final reply."""
    from supportplane_cli.client.render import LiveRenderer

    reply: dict[str, object] = {}
    try:
        async for event in api.ask(question):
            renderer.show(event)
            if event.name == "final":
                reply = event.data
    finally:
        if isinstance(renderer, LiveRenderer):
            renderer.close()
    return reply
