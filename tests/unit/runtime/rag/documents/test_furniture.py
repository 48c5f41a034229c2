import pytest

from supportplane_runtime.rag.documents.formats.markdown import read_markdown
from supportplane_runtime.rag.documents.furniture import without_furniture


def shown(source: str) -> str:
    return "\n".join(line for line in without_furniture(source).split("\n") if line.strip())


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ('<div class="frame">\n<img alt="The form" src={path(\'form.png\')} />\n</div>\n\nSend it.', "Send it."),
        ("![The form](form.png)\n\nSend it.", "Send it."),
        ("[![Build](badge.svg)](https://ci.example)\n\nSend it.", "Send it."),
        ('<Promo\n  title="Try it"\n  link="https://shop.example"\n/>\n\nSend it.', "Send it."),
        ("<Note>\nSend it.\n</Note>", "Send it."),
        ("<details>\n<summary>How?</summary>\n\nSend it.\n</details>", "How?\nSend it."),
        ("Press <kbd>Enter</kbd> and wait.<br/>Then go.", "Press Enter and wait. Then go."),
        ('See the <a href="form.md" target="_blank">form</a>.', "See the [form](form.md)."),
        ("Set <code>mode</code>.", "Set `mode`."),
        ("**size** <Required />", "**size** (Required)"),
        ("1. Open it\n   <div>\n   ![Open](open.png)\n   </div>\n2. Send it", "1. Open it\n2. Send it"),
        (
            "<table><tr><th>Part</th><th>Price</th></tr><tr><td>Lamp</td><td>4</td></tr></table>",
            "| Part | Price |\n| --- | --- |\n| Lamp | 4 |",
        ),
    ],
)
def test_what_holds_no_words_of_the_author_is_no_text(source: str, kept: str) -> None:
    assert shown(source) == kept


def test_where_something_was_one_blank_line_is_left() -> None:
    assert without_furniture("- Open it\n\n<div>\n\n![Open](a.png)\n\n</div>\n\n- Send it") == "- Open it\n\n- Send it"


@pytest.mark.parametrize(
    "source",
    [
        "Replace <your-domain> by yours.",
        "Less than 4 < 5 and 6 > 5.",
        "```html\n<div><img src='a.png'></div>\n```",
        "Write `<div>` or ``<b>``.",
        "    <div>indented code</div>",
        "See ![the form](form.png) below.",
        "Write to <desk@shop.example> or <https://shop.example>.",
    ],
)
def test_words_and_code_stay_as_they_are(source: str) -> None:
    assert without_furniture(source) == source


def test_a_page_is_read_without_furniture() -> None:
    assert read_markdown(b"# Form\n\n<div>\n\n![Form](form.png)\n\n</div>\n\nSend it.\n").text.split() == [
        "#", "Form", "Send", "it."
    ]  # fmt: skip


@pytest.mark.parametrize("piece", ["<a ", "<A \n\n", "![a](b", "`<div>", "<table>", '<a href="', "<"])
def test_a_page_of_one_mark_over_and_over_is_read_at_once(piece: str) -> None:
    assert without_furniture(piece * (20_000 // len(piece))) is not None
