from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import typer.main
from aiohttp import web
from aiohttp.test_utils import TestServer
from typer.testing import CliRunner

from supportplane_cli.client.api import PAGE, Api, Endpoint
from supportplane_cli.commands.feedback import (
    document_row,
    filters,
    one_line,
    parse_rating,
    parse_since,
    refuse_early_options,
    turn_row,
)
from supportplane_cli.console import table
from supportplane_cli.errors import CommandFailed, Refused, WrongUsage
from supportplane_cli.registry import cli

ITEM: dict[str, Any] = {
    "updated_at": "2026-11-28T20:29:27.123456+02:00",
    "rating": "down",
    "question": "How do I\nrotate a key?",
    "answer": "Press Rotate [1].",
    "sources": [{"document_id": "guide/keys.md", "title": "Keys", "url": "keys.md"}],
    "comment": None,
}
DOCUMENT: dict[str, Any] = {
    "document_id": "guide/keys.md",
    "answers": 12,
    "up": 1,
    "down": 2,
    "share_down": 2 / 3,
    "examples": [{"question": "How?"}, {"question": "Why?"}],
}


def test_a_row_tells_when_what_was_asked_and_answered_from_which_documents() -> None:
    assert turn_row(ITEM) == [
        "2026-11-28 18:29",
        "down",
        "How do I rotate a key?",
        "Press Rotate [1].",
        "guide/keys.md",
        "-",
    ]
    assert turn_row({**ITEM, "answer": None, "sources": []})[3:5] == ["(no answer)", "-"]


def test_a_document_row_has_its_share_and_one_question_a_line() -> None:
    assert document_row(DOCUMENT) == ["guide/keys.md", "12", "1", "2", "67%", "How?\nWhy?"]
    assert document_row({**DOCUMENT, "share_down": None, "examples": []})[4:] == ["-", "-"]
    assert document_row({**DOCUMENT, "document_id": None})[0] == "(no document)"


def test_no_text_of_a_customer_acts_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    bad = "\x1b]0;owned\x07 \x9b31m a\rb \u202e [/bold]"
    table(
        ["question", "answer", "documents", "comment"],
        [turn_row({**ITEM, "question": bad, "answer": bad, "comment": bad})[2:]],
    )
    table(
        ["document", "answers", "up", "down", "share", "questions"],
        [document_row({**DOCUMENT, "document_id": bad, "examples": [{"question": bad}]})],
    )
    shown = capsys.readouterr().out
    assert "[/bold]" in shown
    assert not [letter for letter in shown if not letter.isprintable() and letter != "\n"]


def test_a_long_text_is_cut_where_a_cell_ends() -> None:
    assert one_line("word " * 100).endswith("…")
    assert len(one_line("word " * 100)) == 200


NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", "2026-11-28T11:30:00+00:00"),
        ("12h", "2026-11-28T00:00:00+00:00"),
        ("7d", "2026-11-21T12:00:00+00:00"),
        ("2w", "2026-11-14T12:00:00+00:00"),
        ("2026-11-01T08:00:00+00:00", "2026-11-01T08:00:00+00:00"),
    ],
)
def test_since_is_a_time_ago_or_a_date(text: str, moment: str) -> None:
    told = parse_since(text, now=lambda: NOW)
    assert told is not None
    assert datetime.fromisoformat(told) == datetime.fromisoformat(moment)


def test_a_date_begins_at_this_machines_midnight() -> None:
    told = parse_since("2026-11-01")
    assert told is not None
    assert datetime.fromisoformat(told).replace(tzinfo=None) == datetime(2026, 11, 1)  # noqa: DTZ001  # a local one


@pytest.mark.parametrize("text", ["yesterday", "7", "7y", "-7d", "999999w", "2026-13-01", ""])
def test_any_other_since_is_wrong_usage(text: str) -> None:
    with pytest.raises(WrongUsage, match="--since"):
        parse_since(text)


def test_a_rating_is_up_or_down() -> None:
    assert [parse_rating(rating) for rating in (None, "up", "down")] == [None, "up", "down"]
    with pytest.raises(WrongUsage, match="up, down"):
        parse_rating("sideways")
    assert filters(rating=None, agent="shop") == {"agent": "shop"}


def test_an_option_before_the_subcommand_is_refused_and_told_where_it_belongs() -> None:
    group = typer.main.get_command(cli).commands["feedback"]  # type: ignore[attr-defined]
    context = group.make_context("feedback", ["--since", "7d", "report"])
    context.invoked_subcommand = "report"
    with pytest.raises(WrongUsage, match="--since stands before") as refusal:
        refuse_early_options(context)
    assert refusal.value.hint == "write it behind: supportplane feedback report --since ..."
    context = group.make_context("feedback", ["report"])
    context.invoked_subcommand = "report"
    refuse_early_options(context)


async def asking(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], call: Callable[[Api], Awaitable[Any]]
) -> Any:
    app = web.Application()
    app.router.add_get("/api/v1/feedback", handler)
    server = TestServer(app)
    await server.start_server()
    try:
        async with Api(Endpoint(str(server.make_url("/")), "sk_x")) as api:
            return await call(api)
    finally:
        await server.close()


async def test_pages_are_read_until_the_limit_and_not_one_item_more() -> None:
    asked: list[dict[str, str]] = []

    async def listing(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        start, count = int(request.query.get("after", "0")), int(request.query["limit"])
        items = [{"number": number} for number in range(start, start + count)]
        return web.json_response({"items": items, "after": str(start + count)})

    items, has_more = await asking(listing, lambda api: api.rated_turns({"rating": "down"}, limit=PAGE + 30))

    assert [item["number"] for item in items] == list(range(PAGE + 30))
    assert has_more
    assert asked == [{"rating": "down", "limit": "100"}, {"rating": "down", "after": "100", "limit": "30"}]


async def test_the_end_of_the_listing_is_the_end() -> None:
    async def listing(_: web.Request) -> web.Response:
        return web.json_response({"items": [{}], "after": None})

    assert await asking(listing, lambda api: api.rated_turns({}, limit=20)) == ([{}], False)


async def test_a_key_that_may_not_read_is_told_how_to_make_one_that_may() -> None:
    async def listing(_: web.Request) -> web.Response:
        problem = {"title": "Not allowed", "detail": "This needs a key with the scope read.", "code": "forbidden"}
        return web.json_response(problem, status=403)

    with pytest.raises(Refused, match="scope read") as refusal:
        await asking(listing, lambda api: api.rated_turns({}, limit=20))
    assert "--scope read" in (refusal.value.hint or "")


@pytest.mark.parametrize("reply", [(503, "{}"), (200, "not json")], ids=["busy", "no JSON"])
async def test_an_agent_that_does_not_answer_properly_is_a_sentence(reply: tuple[int, str]) -> None:
    status, text = reply

    async def listing(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text, content_type="application/json")

    with pytest.raises(CommandFailed, match="does not answer this"):
        await asking(listing, lambda api: api.rated_turns({}, limit=20))


def test_the_helps_have_examples() -> None:
    for words in (["feedback"], ["feedback", "report"]):
        assert "Examples:" in CliRunner().invoke(cli, [*words, "--help"]).stdout
