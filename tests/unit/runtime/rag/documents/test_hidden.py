"""SECRET stands for what the author hides, `shown` for what stays. Reworded from what authors write in each dialect."""

import pytest

from supportplane_runtime.rag.documents.hidden import visible_markdown, visible_templates


def shown(source: str) -> str:
    return " ".join(visible_markdown(source).text.split())


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("# Desk\n\n<!-- SECRET -->\n\nOpen at 9.", "# Desk Open at 9."),
        ("Open <!-- SECRET --> at 9.", "Open at 9."),
        ("<?php\n// SECRET\n\necho 'SECRET';\n?>\n\nOpen.", "Open."),
        ("Open <?php echo 'SECRET' ?> at 9.", "Open at 9."),
        ("Open <?= SECRET\n\nSECRET ?> at 9.", "Open at 9."),
        ("Open <?php SECRET\n\nClosed.", "Open Closed."),
        ("Open\n<!-- SECRET\n\nSECRET\n-->\nat 9.", "Open at 9."),
        ("Open <!-- SECRET\n\nSECRET --> at 9.", "Open at 9."),
        ("<!-- a <!-- SECRET --> SECRET --> Open.", "Open."),
        ("<!-- a <!-- SECRET --> Open. <!-- SECRET -->", "Open."),
        ("Open at 9. <!-- SECRET\n\nClosed at 5.", "Open at 9. Closed at 5."),
        ("- Open <!-- SECRET -->\n- Closed\n", "- Open - Closed"),
        ("> Open\n> <!-- SECRET -->\n", "> Open >"),
        ("[//]: # (SECRET)\nOpen.", "Open."),
        ('[//]: # "SECRET"\n\nOpen.', "Open."),
        ("[//]: # SECRET without quotes\n\nOpen.", "Open."),
        ("[comment]: <> (SECRET)\n\nOpen.", "Open."),
        ("[note]: # (SECRET\nSECRET)\n\nOpen.", "Open."),
        ("[](SECRET)\n\nOpen.", "Open."),
        ("Open %%SECRET%% at 9.", "Open at 9."),
        ("Open.\n\n%%\nSECRET\n\nSECRET\n%%\n\nClosed.", "Open. Closed."),
        ("Open {/* SECRET */} at 9.", "Open at 9."),
        ("{/*\nSECRET\n\n- SECRET\n*/}\n\nOpen.", "Open."),
        ("import Box from '@site/SECRET';\n\nOpen.", "Open."),
        ("{{/* SECRET */}}\nOpen.", "Open."),
        ("{{- /* SECRET */ -}}\nOpen.", "Open."),
        ("{{!-- SECRET --}} Open.", "Open."),
        ('Ask {{< team "Nelli" >}} first.', "Ask Nelli first."),
        ('{{< film "SECRET" >}}\n\nOpen.', "Open."),
        ("Open {{< SECRET >}} at 9.", "Open at 9."),
        ('{{% box color="SECRET" %}}\nOpen.\n{{% /box %}}', "Open."),
        ("{{< comment >}}\nSECRET\n{{< /comment >}}\nOpen.", "Open."),
        ('[Desk]({{< ref "desk.md" >}})', "[Desk](desk.md)"),
        ("{% comment %}\nSECRET\n\n```\nSECRET\n```\n{% endcomment %}\nOpen.", "Open."),
        ("{%- comment -%} SECRET {%- endcomment -%} Open.", "Open."),
        ("{% comment %} {% comment %} SECRET {% endcomment %} SECRET {% endcomment %} Open.", "Open."),
        ("{% include SECRET.html %}\n{% if x %}Open.{% endif %}", "Open."),
        ("{% if false %}SECRET{% if x %}SECRET{% endif %}{% endif %}Open.", "Open."),
        ("{% # SECRET %}Open.", "Open."),
        ("{# SECRET\nSECRET #}Open.", "Open."),
        ("{::comment}\nSECRET\n{:/comment}\n\nOpen.", "Open."),
        ("% SECRET\n% SECRET\n\nOpen.", "Open."),
        (".. SECRET\n   SECRET\n\n   SECRET\n\nOpen.", "Open."),
        ("<div hidden>\n\nSECRET **SECRET**\n\n- SECRET\n\n</div>\n\nOpen.", "Open."),
        ('Open <span style="DISPLAY : None !important">SECRET</span> at 9.', "Open at 9."),
        ("<div hidden><div>SECRET</div>SECRET</div>\n\nOpen.", "Open."),
        ("<p hidden>SECRET\n\nOpen.", "Open."),
        ("<script>\nSECRET\n</script>\n\n<template>SECRET</template>\n\nOpen.", "Open."),
        ("<style>.x { display: none }</style>\n\n<p class='x'>SECRET</p>\n\nOpen.", "Open."),
    ],
)
def test_what_an_author_hides_is_not_text(source: str, kept: str) -> None:
    assert shown(source) == kept


@pytest.mark.parametrize(
    "source",
    [
        "```html\n<!-- shown -->\n<div hidden>shown</div>\n```",
        "~~~\n{% comment %} shown {% endcomment %}\n~~~",
        "    <!-- an indented block -->",
        "- item\n\n  ```\n  %% shown %%\n  ```",
        "Write `<!-- a comment -->` or ``{# `one` #}``.",
        "Escaped: \\<!-- shown -->",
        "Write `<?php shown ?>`, and a <? b.",
        "```php\n<?php shown ?>\n```",
        "50%% off, and 20%% more.",
        "About 5 % of them.\n% is the sign.",
        "## A heading {#with-an-id}\n\nText #}",
        "Run `it`<br>now, see <https://example.org/a> and <b>this</b>.",
        "A --> B and {{ name }} and {name}.",
        "<details><summary>More</summary>\n\nText\n\n</details>",
        "Run <command> with <option> and <object>.",
        "[docs]: https://example.org 'Title'\n\n[docs]",
        ".. note:: This is shown.",
        "![](picture.png)",
        "Wait ... and see.",
        '<span aria-hidden="true">shown</span>',
    ],
)
def test_what_its_readers_see_stays_as_it_is(source: str) -> None:
    assert visible_markdown(source).text == source


def test_a_shortcode_that_is_written_to_be_shown_is_shown() -> None:
    assert shown("Write {{</* toc */>}}.") == "Write {{< toc >}}."


@pytest.mark.parametrize(
    "source",
    [
        "Open.\n\n<!-- SECRET\n\nSECRET",
        "Open.\n\n<?php\nSECRET\n\nSECRET",
        "Open.\n\n%%\nSECRET\n\nSECRET",
        "Open.\n\n{% comment %}\nSECRET\n\nSECRET",
        "Open.\n\n<div hidden>\n\nSECRET",
        "Open.\n\n{::comment}\nSECRET\n\nSECRET",
    ],
)
def test_a_comment_without_an_end_hides_the_rest_and_says_where_it_begins(source: str) -> None:
    visible = visible_markdown(source)
    assert (visible.text.strip(), visible.unclosed) == ("Open.", 7)


def test_template_tags_of_a_page_go_but_not_those_it_shows_as_code() -> None:
    page = "{% comment %}SECRET{% endcomment %}{# SECRET #}<p>Open.</p><pre>{% comment %}</pre><code>{# shown #}</code>"
    assert visible_templates(page).text == "<p>Open.</p><pre>{% comment %}</pre><code>{# shown #}</code>"
