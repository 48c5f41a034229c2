import re
from html.parser import HTMLParser
from typing import Any

from markdown_it import MarkdownIt

from supportplane_cli.gap_report import as_html, as_markdown, reasons

ITEM: dict[str, Any] = {
    "subject": "How do I\nrenew?",
    "questions": 4,
    "customers": 1,
    "tickets": 1,
    "declined": 0,
    "out_of_scope": 0,
    "partial": 0,
    "unsure": 2,
    "disliked": 1,
    "last_asked_at": "2026-11-28T01:29:27+02:00",
    "examples": [
        {"question": "How do I\nrenew?", "comment": None},
        {"question": "Where is the button?", "comment": "Not there."},
    ],
    "documents": [
        {"document_id": "keys.md", "title": "Keys", "url": "https://docs.example/keys#renew"},
        {"document_id": "a.md", "title": "A", "url": "javascript:alert(1)"},
    ],
}
REPORT: dict[str, Any] = {
    "since": "2026-11-01T00:00:00Z",
    "questions": 7,
    "has_more": False,
    "ungrouped": 0,
    "subjects": 2,
    "items": [ITEM],
}
EVIL = '<script>alert(1)</script> [x](http://evil) ![i](http://evil) **b** `c` # h | & <img src=x onerror="y"> "\''


def with_text(text: str) -> dict[str, Any]:
    example = {"question": text, "comment": text}
    document = {"document_id": text, "title": text, "url": f"https://x/{text}"}
    return {**REPORT, "items": [{**ITEM, "subject": text, "examples": [example], "documents": [document]}]}


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs


def tags(page: str) -> Tags:
    found = Tags()
    found.feed(page)
    return found


def test_the_reasons_are_named_the_most_frequent_first() -> None:
    assert reasons(ITEM) == ["2 unsure answers", "1 ticket", "1 thumb down"]


def test_the_markdown_page_is_read_as_it_is_written() -> None:
    assert as_markdown(REPORT).splitlines() == [
        "# What customers ask and the documents do not answer",
        "",
        "7 questions since 2026-11-01, 2 subjects.",
        "",
        "## 1. How do I renew?",
        "",
        "1 customer, 4 questions: 2 unsure answers, 1 ticket, 1 thumb down. Last asked on 2026-11-27.",
        "",
        "- How do I renew?",
        r"- Where is the button? \(comment\: Not there\.\)",
        "",
        r"Nearest documents: Keys (keys\.md), A (a\.md).",
    ]


def test_nothing_that_a_customer_wrote_is_markup_of_the_markdown_page() -> None:
    page = MarkdownIt().enable("table").render(as_markdown(with_text(EVIL)))
    assert set(tags(page).names) == {"h1", "h2", "p", "ul", "li"}
    assert re.sub(r"\s+", " ", page).count("[x](http://evil)") == 5


def test_the_html_page_needs_nothing_else_and_holds_no_markup_of_a_customer() -> None:
    plain, evil = tags(as_html(REPORT)), tags(as_html(with_text(EVIL)))
    assert set(evil.names) <= set(plain.names)
    assert "script" not in evil.names
    assert not [name for name, _ in evil.attributes if name.startswith("on")]
    assert [value for name, value in plain.attributes if name == "href"] == ["https://docs.example/keys#renew"]
    assert not [name for name, _ in plain.attributes if name == "src"]
