"""The chat of the command line, line by line, against a server that notes what it is asked and told."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from supportplane_cli.client.api import Api, Endpoint
from supportplane_cli.commands.chat import Chat

FINAL = {
    "response": "Yes.",
    "outcome": "answered",
    "confidence": 0.9,
    "sources": [],
    "turn_id": "t",
    "conversation_id": "c",
    "ticket_id": None,
}


@dataclass
class Agent:
    url: str = ""
    asked: list[str] = field(default_factory=list)
    rated: list[dict[str, Any]] = field(default_factory=list)

    async def ask(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((await request.json())["query"])
        text = f"id: t:1\nevent: final\ndata: {json.dumps(FINAL)}\n\n"
        return web.Response(text=text, content_type="text/event-stream")

    async def rate(self, request: web.Request) -> web.StreamResponse:
        self.rated.append(await request.json())
        return web.Response(status=204)


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    found, app = Agent(), web.Application()
    app.router.add_post("/api/v1/query/stream", found.ask)
    app.router.add_post("/api/v1/feedback", found.rate)
    async with TestServer(app) as server:
        found.url = str(server.make_url(""))
        yield found


async def chat(agent: Agent, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("".join(f"{line}\n" for line in lines)))
    async with Api(Endpoint(agent.url, "sk_test")) as api:
        await Chat(api, "me", None).run()


async def test_a_rating_takes_a_comment(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    await chat(agent, monkeypatch, "Do you ship?", "/down the price is missing", "/up")
    assert agent.asked == ["Do you ship?"]
    assert agent.rated == [
        {"turn_id": "t", "rating": "down", "comment": "the price is missing"},
        {"turn_id": "t", "rating": "up"},
    ]


async def test_a_mistyped_command_is_no_question_to_the_agent(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await chat(agent, monkeypatch, "/dwon", "//etc/hosts is what?", "/quit", "Never asked")
    assert agent.asked == ["/etc/hosts is what?"]
    assert "/dwon is no command of the chat. There are /up, /down, /new and /quit." in capsys.readouterr().out
