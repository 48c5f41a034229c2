"""`supportplane feedback`: what customers thought of answers, one by one or counted per document.

Read over the agent's HTTP API, as any program would. Questions, answers and comments are shown on one line each.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from supportplane_cli.console import emit, note, table
from supportplane_cli.errors import WrongUsage
from supportplane_cli.options import DataDirOption, JsonOption, KeyFileOption, UrlOption
from supportplane_cli.paths import find_data_dir

if TYPE_CHECKING:
    from supportplane_cli.client.api import Api

EPILOG = """Examples:

  supportplane feedback

  supportplane feedback --rating down --since 7d

  supportplane feedback --document guide/returns.md --json | jq -r '.[].comment'

  supportplane feedback --url https://help.example.com --key-file key.txt

The key needs the scope read. Exit code 3 means that nothing is running, 5 that the agent refused.
"""
REPORT_EPILOG = """Examples:

  supportplane feedback report

  supportplane feedback report --since 30d --limit 5

  supportplane feedback report --json | jq -r '.[0].examples[].question'

Look first at the documents on top: correct them, run `supportplane ingest`, and see the report again with --since.
"""
RATINGS = ("up", "down")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
MOST_DOCUMENTS = 100
ANSWER_CHARACTERS = 200  # of a cell; --json has the whole answer

SinceOption = Annotated[
    str | None,
    typer.Option(help="Only later ones: 30m, 12h, 7d, 2w, or a date such as 2026-11-01.", show_default=False),
]
ResultT = TypeVar("ResultT")

cli = typer.Typer(
    help="Read what customers thought of answers.", epilog=EPILOG, invoke_without_command=True, no_args_is_help=False
)


@cli.callback()
def listing(  # noqa: PLR0913, PLR0917  # each parameter is a flag
    context: typer.Context,
    rating: Annotated[str | None, typer.Option(help="Only up or only down.", show_default=False)] = None,
    since: SinceOption = None,
    document: Annotated[
        str | None,
        typer.Option(help="Only answers that cite the document of this id or URL.", show_default=False),
    ] = None,
    agent: Annotated[str | None, typer.Option(help="Only answers of this agent.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    data_dir: DataDirOption = None,
    url: UrlOption = None,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List feedback of customers, newest first: question, answer, documents and comment."""
    if context.invoked_subcommand is not None:
        refuse_early_options(context)
        return
    wanted = filters(rating=parse_rating(rating), since=parse_since(since), document=document, agent=agent)
    items, has_more = ask(data_dir, url, key_file, lambda api: api.rated_turns(wanted, limit=limit))
    if as_json:
        emit(items)
    elif not items:
        note("There is no such feedback.")
    else:
        table(
            ("when (UTC)", "rating", "question", "answer", "documents", "comment"), [turn_row(item) for item in items]
        )
    if has_more:
        note(f"There is more than these {limit}; raise --limit, or narrow with --since, --rating or --document.")


@cli.command(epilog=REPORT_EPILOG)
def report(
    since: Annotated[
        str | None,
        typer.Option(help="Only answers given later: 12h, 7d, 2w, or a date. Default: 30d.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_DOCUMENTS, help="How many documents at most.")] = 20,
    data_dir: DataDirOption = None,
    url: UrlOption = None,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count answers and thumbs per document, most thumbs down first, with disliked questions."""
    wanted = filters(since=parse_since(since))
    documents = ask(data_dir, url, key_file, lambda api: api.rated_documents(wanted, limit=limit))
    if as_json:
        emit(documents)
    elif not documents:
        note("No answer has cited a document in this time.")
    else:
        columns = ("document", "answers", "up", "down", "share down", "questions of thumbs down")
        table(columns, [document_row(item) for item in documents])


def ask(
    data_dir: Path | None, url: str | None, key_file: Path | None, call: "Callable[[Api], Awaitable[ResultT]]"
) -> ResultT:
    from supportplane_cli.client.api import Api
    from supportplane_cli.client.endpoint import choose_endpoint

    endpoint = choose_endpoint(find_data_dir(data_dir), url, key_file)

    async def run() -> ResultT:
        async with Api(endpoint) as api:
            return await call(api)

    return asyncio.run(run())


def refuse_early_options(context: typer.Context) -> None:
    """Options before the subcommand would be ignored. Raises WrongUsage."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            raise WrongUsage(
                f"{parameter.opts[0]} stands before `{context.invoked_subcommand}`, where it counts for nothing.",
                hint=f"write it behind: supportplane feedback {context.invoked_subcommand} {parameter.opts[0]} ...",
            )


def filters(**wanted: str | None) -> dict[str, str]:
    return {name: value for name, value in wanted.items() if value is not None}


def parse_rating(rating: str | None) -> str | None:
    if rating is not None and rating not in RATINGS:
        raise WrongUsage(f"--rating {rating} is not one of {', '.join(RATINGS)}.")
    return rating


def parse_since(text: str | None, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> str | None:
    """A moment as the API reads it; a date without a time zone is this machine's. Raises WrongUsage."""
    if text is None:
        return None
    ago = re.fullmatch(r"([0-9]{1,6})([mhdw])", text)
    try:
        moment = now() - timedelta(**{UNITS[ago[2]]: int(ago[1])}) if ago else datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        raise WrongUsage(
            f"--since {text} is neither a time ago nor a date.", hint="write for example 12h, 7d, 2w or 2026-11-01"
        ) from error
    return moment.isoformat()


def turn_row(item: dict[str, Any]) -> list[str]:
    moment = datetime.fromisoformat(item["updated_at"]).astimezone(UTC)
    return [
        f"{moment:%Y-%m-%d %H:%M}",
        str(item["rating"]),
        one_line(item["question"]),
        one_line(item["answer"] or "(no answer)"),
        ", ".join(one_line(source["document_id"]) for source in item["sources"]) or "-",
        one_line(item["comment"] or "-"),
    ]


def document_row(item: dict[str, Any]) -> list[str]:
    share = item["share_down"]
    return [
        "(no document)" if item["document_id"] is None else one_line(item["document_id"]),
        str(item["answers"]),
        str(item["up"]),
        str(item["down"]),
        "-" if share is None else f"{share:.0%}",
        "\n".join(one_line(example["question"]) for example in item["examples"]) or "-",
    ]


def one_line(text: str) -> str:
    """A cell: no line ends, and not too long. ``table`` writes out what would act on the terminal."""
    words = " ".join(text.split())
    return words if len(words) <= ANSWER_CHARACTERS else words[: ANSWER_CHARACTERS - 1] + "…"
