"""The report of gaps as a page to print: HTML that needs nothing else, or Markdown. Pure; called by commands/gaps.py.

Questions and comments are customers' words: none of them becomes markup.
"""

import html
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

TITLE: Final = "What customers ask and the documents do not answer"
REASONS: Final = {
    "tickets": "ticket",
    "declined": "declined",
    "out_of_scope": "out of scope",
    "partial": "partial answer",
    "unsure": "unsure answer",
    "disliked": "thumb down",
}
STYLE: Final = """
body { font: 11pt/1.4 sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; color: #111; background: #fff; }
h2 { font-size: 1.1em; margin: 1.5em 0 0.2em; }
section { break-inside: avoid; }
p, ul { margin: 0.2em 0; }
.facts, footer { color: #555; }
"""
# What begins or is markup in Markdown, wherever it stands: a question is one line, so lists need no more.
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~&:@])")


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def day(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d}"


def reasons(item: dict[str, Any]) -> list[str]:
    """Why its questions count, most frequent first."""
    found = [(item[name], noun) for name, noun in REASONS.items() if item[name]]
    return [counted(number, noun) for number, noun in sorted(found, reverse=True)]


def facts(item: dict[str, Any]) -> str:
    asked = f"{counted(item['customers'], 'customer')}, {counted(item['questions'], 'question')}"
    return f"{asked}: {', '.join(reasons(item))}. Last asked on {day(item['last_asked_at'])}."


def summary(report: dict[str, Any]) -> str:
    of = "the newest " if report["has_more"] else ""
    questions, subjects = counted(report["questions"], "question"), counted(report["subjects"], "subject")
    return f"{of}{questions} since {day(report['since'])}, {subjects}"


def as_markdown(report: dict[str, Any]) -> str:
    return "\n".join(_markdown(report)) + "\n"


def _markdown(report: dict[str, Any]) -> Iterator[str]:
    yield from (f"# {TITLE}", "", f"{summary(report).capitalize()}.")
    for number, item in enumerate(report["items"], 1):
        yield from ("", f"## {number}. {_plain(item['subject'])}", "", facts(item), "")
        yield from (f"- {_plain(line)}" for line in _examples(item))
        if item["documents"]:
            near = ", ".join(f"{_plain(each['title'])} ({_plain(each['document_id'])})" for each in item["documents"])
            yield from ("", f"Nearest documents: {near}.")


def as_html(report: dict[str, Any]) -> str:
    body = "\n".join(_section(number, item) for number, item in enumerate(report["items"], 1))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{TITLE}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{TITLE}</h1>
<p>{html.escape(summary(report).capitalize())}.</p>
{body}
</body>
</html>
"""


def _section(number: int, item: dict[str, Any]) -> str:
    examples = "".join(f"<li>{html.escape(line)}</li>" for line in _examples(item))
    near = ", ".join(_near(each) for each in item["documents"])
    documents = f"\n<p>Nearest documents: {near}.</p>" if near else ""
    return (
        f"<section>\n<h2>{number}. {html.escape(_line(item['subject']))}</h2>\n"
        f'<p class="facts">{html.escape(facts(item))}</p>\n<ul>{examples}</ul>{documents}\n</section>'
    )


def _near(document: dict[str, Any]) -> str:
    shown = html.escape(_line(f"{document['title']} ({document['document_id']})"))
    url = str(document["url"])
    return f'<a href="{html.escape(url)}">{shown}</a>' if url.startswith(("http://", "https://")) else shown


def _examples(item: dict[str, Any]) -> Iterable[str]:
    for example in item["examples"]:
        comment = f" (comment: {_line(example['comment'])})" if example["comment"] else ""
        yield f"{_line(example['question'])}{comment}"


def _line(text: str) -> str:
    return " ".join(text.split())


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", _line(text))
