import pytest

from supportplane_runtime.rag.documents.generators import without_marks


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("Go to Shop :material-arrow-right: Cart.", "Go to Shop → Cart."),
        ("- :fontawesome-brands-mastodon:{ .big }  [us](https://shop.example)", "- [us](https://shop.example)"),
        ("Click :material-pencil: to edit.", "Click (pencil) to edit."),
        ('See [us](https://shop.example){:target="_blank"}.', "See [us](https://shop.example)."),
        ("A line. {: .lead #top }", "A line."),
        ("## Prices {: #prices .wide }", "## Prices {#prices}"),
        ("**A:** It boils.", "It boils."),
        ("Options &gt; Prices&nbsp;list", "Options > Prices list"),
        ("Boils[^1] water.\n\n[^1]: In 4 minutes.\n\nEnd.", "Boils water.\n\nIn 4 minutes.\n\nEnd."),
        ("(lids)=\n## Lids\n\nSee {ref}`the lids <lids>` and {doc}`prices`.", "## Lids\n\nSee the lids and prices."),
        ("Press {kbd}`Enter`.", "Press `Enter`."),
        ("```{code-block} sh\nkettle\n```", "```sh\nkettle\n```"),
        ("``` { .sh .no-copy }\nkettle {#x}\n```", "```sh\nkettle {#x}\n```"),
    ],
)
def test_what_a_generator_draws_is_shown_as_its_readers_see_it(source: str, shown: str) -> None:
    assert without_marks(source) == shown


@pytest.mark.parametrize(
    "source",
    [
        "## Prices {#prices}",
        "Write `{: .lead }`, `&gt;` or `:material-pencil:`.",
        "Write ``a ` [b](c){: .lead } ` d``.",
        'Use {{ .Name }}, {{.ID}}, {size:red} and {job="x"}.',
        "Match [^a-z] at 10:30:00.",
        "Not &lt;b&gt; and AT&T; Q: what?",
        "```\n[^1]: {: .lead } &gt;\n```",
    ],
)
def test_words_and_code_stay_as_they_are(source: str) -> None:
    assert without_marks(source) == source


@pytest.mark.parametrize(
    "piece",
    ["{", "{: .a ", "{#a", "[^", "[^1]: a\n", ":material-", "&", "`", "`` ` {#a} ", "{a=", "(#", "{a}`", "(a)="],
)
def test_a_long_line_is_read_in_time(piece: str) -> None:
    assert without_marks(piece * (20_000 // len(piece))) is not None
