"""`supportplane gaps`: what customers ask and the documents do not answer, by subject; shown, or written to be printed.

Read over the agent's HTTP API, as any program would.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from supportplane_cli.commands.feedback import SinceOption, ask, filters, one_line, parse_since
from supportplane_cli.console import emit, note, say, table, visible
from supportplane_cli.errors import CommandFailed, WrongUsage
from supportplane_cli.gap_report import as_html, as_markdown, counted, day, reasons
from supportplane_cli.options import DataDirOption, JsonOption, KeyFileOption, UrlOption
from supportplane_cli.private_files import write_private

EPILOG = """Examples:

  supportplane gaps

  supportplane gaps --since 7d --limit 5

  supportplane gaps --output gaps.html

  supportplane gaps --json | jq -r '.items[] | "\\(.customers) \\(.subject)"'

Write what the subject on top lacks into a document, run `supportplane ingest`, and look again with --since. The key
needs the scope read. Exit code 3 means that nothing is running, 5 that the agent refused.
"""
MOST_SUBJECTS = 100
COLUMNS = ("subject", "customers", "questions", "why", "last (UTC)", "examples", "nearest documents")
FORMATS: dict[str, Callable[[dict[str, Any]], str]] = {".html": as_html, ".md": as_markdown}


def gaps(  # noqa: PLR0913, PLR0917  # each parameter is a flag
    since: SinceOption = None,
    agent: Annotated[str | None, typer.Option(help="Only questions to this agent.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_SUBJECTS, help="How many subjects at most.")] = 20,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Write a report to print: FILE.html or FILE.md.", show_default=False),
    ] = None,
    data_dir: DataDirOption = None,
    url: UrlOption = None,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Group the questions that had no good answer by subject, those of most customers first."""
    write = format_of(output)
    wanted = filters(since=parse_since(since), agent=agent)
    report = ask(data_dir, url, key_file, lambda api: api.gaps(wanted, limit=limit))
    if output is not None:
        save(output, visible(write(report)))
    if as_json:
        emit(report)
    elif output is not None:
        say(f"Wrote {output} ({counted(len(report['items']), 'subject')})")
    elif not report["items"]:
        note("No question went without a good answer in this time.")
    else:
        table(COLUMNS, [subject_row(item) for item in report["items"]])
    tell_what_is_left_out(report)


def format_of(output: Path | None) -> Callable[[dict[str, Any]], str]:
    """Raises WrongUsage."""
    suffix = output.suffix.lower() if output is not None else ".md"
    if suffix not in FORMATS:
        raise WrongUsage(f"--output {output} is neither HTML nor Markdown.", hint="end the name with .html or .md")
    return FORMATS[suffix]


def save(output: Path, text: str) -> None:
    """Readable by its owner alone, because customers' words are in it."""
    try:
        write_private(output, text)
    except OSError as error:
        raise CommandFailed(f"{output} cannot be written: {error.strerror}.") from error


def subject_row(item: dict[str, Any]) -> list[str]:
    return [
        one_line(item["subject"]),
        str(item["customers"]),
        str(item["questions"]),
        "\n".join(reasons(item)),
        day(item["last_asked_at"]),
        "\n".join(one_line(example["question"]) for example in item["examples"]),
        "\n".join(one_line(near["document_id"]) for near in item["documents"]) or "-",
    ]


def tell_what_is_left_out(report: dict[str, Any]) -> None:
    rest = report["subjects"] - len(report["items"])
    if rest > 0:
        note(f"There are {counted(rest, 'subject')} more; raise --limit.")
    if report["has_more"]:
        note(f"Only the newest {report['questions']} questions are counted; choose a shorter time with --since.")
    if report["ungrouped"]:
        note(f"{counted(report['ungrouped'], 'question')} not compared by meaning yet; look again in a minute.")
