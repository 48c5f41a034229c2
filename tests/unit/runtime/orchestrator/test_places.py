import pytest

from supportplane_runtime.domain.knowledge import Chunk
from supportplane_runtime.orchestrator.places import headings, readable_elsewhere

PAGE = "https://example.com/docs/guide/faq#pay"
FILE = "https://github.com/acme/docs/blob/main/guide/faq.md"


@pytest.mark.parametrize(
    ("text", "page", "shown"),
    [
        ("See [prices](../prices).", PAGE, "See [prices](https://example.com/docs/prices)."),
        ("See [prices](/prices?x=1#eur).", PAGE, "See [prices](https://example.com/prices?x=1#eur)."),
        ("See [below](#cards).", PAGE, "See [below](https://example.com/docs/guide/faq#cards)."),
        ("See [prices](prices.md#eur).", PAGE, "See prices."),
        (
            "See [prices](prices.md#eur).",
            FILE,
            "See [prices](https://github.com/acme/docs/blob/main/guide/prices.md#eur).",
        ),
        ("See [prices](prices.pdf 'PDF').", FILE, "See prices."),
        ("See [prices](../prices).", "docs/faq.md", "See prices."),
        ("See [us](https://a.example/x_(y)).", PAGE, "See [us](https://a.example/x_(y))."),
        ("[Write](mailto:a@b.example)", PAGE, "[Write](mailto:a@b.example)"),
        ("[a](javascript:alert(1)) [b](//[)", PAGE, "a b"),
        ("![A lamp](lamp.png) hangs", PAGE, "A lamp hangs"),
        ("[![Logo](l.png)](https://a.example/)", PAGE, "[Logo](https://a.example/)"),
        ("`[a](b.md)` and\n```\n![x](y.png)\n```", PAGE, "`[a](b.md)` and\n```\n![x](y.png)\n```"),
    ],
)
def test_a_link_leads_somewhere_or_is_its_words(text: str, page: str, shown: str) -> None:
    assert readable_elsewhere(text, page) == shown


def test_the_place_of_a_passage_is_its_headings_without_the_title() -> None:
    path = ("Keys", "Rotate {#rotate}", "By hand")
    assert headings(Chunk("c", "d", "Keys", path, "Text.", "u", 0)) == ("Rotate", "By hand")
    assert headings(Chunk("c", "d", "Guide", path, "Text.", "u", 0)) == ("Keys", "Rotate", "By hand")
