import pytest

from supportplane_runtime.rag.documents.html_to_markdown import declared_encoding, html_to_markdown
from supportplane_runtime.rag.documents.html_tree import MAX_DEPTH, tree


def text(page: str) -> str:
    return html_to_markdown(page)[1]


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>SECRET</p>",
        '<p HIDDEN="hidden">SECRET</p>',
        '<p hidden="">SECRET</p>',
        '<p hidden="until-found">SECRET</p>',
        '<div style="display:none"><p>SECRET</p></div>',
        "<div STYLE='Display : NONE ! important ; color: red'>SECRET</div>",
        "<div style=display:none>SECRET</div>",
        '<div style="color:red;/* x */display/**/:none">SECRET</div>',
        '<div style="d\\69splay:none">SECRET</div>',
        '<div style="display&#58;none">SECRET</div>',
        '<span style="visibility: hidden">SECRET</span>',
        '<div style="display:none"><div>SECRET</div><br>SECRET</div>',
        "<style>.gone, #x { display: none }</style><p class='a gone'>SECRET</p><p id=x>SECRET</p>",
        "<style>p.note{visibility:hidden!important}</style><p class=note>SECRET</p>",
        "<style>.tabs .x{display:none}</style><div class=tabs><b><p class=x>SECRET</p></b></div>",
        "<style>.a > .b p{display:none}</style><div class=a><div class=b><i><p>SECRET</p></i></div></div>",
        "<style>body .x, html body>.y{display:none}</style><p class=x>SECRET</p>",
        "<style>[data-draft]{display:none}</style><p data-draft>SECRET</p>",
        "<style>p[data-for='staff, only']{display:none}</style><p data-for='staff, only'>SECRET</p>",
        "<style>[data-for^=staff].a{display:none}</style><p class=a data-for=staff-1>SECRET</p>",
        "<style>.a.b{display:none}</style><p class='b c a'>SECRET</p>",
        "<style>@media screen{.x{display:none}}</style><p class=x>SECRET</p>",
        "<style>@media all { p{color:red} .x{display:none} }</style><p class=x>SECRET</p>",
        "<style>.x:not(.a, :nth-child(2)){display:none}</style><p class=x>SECRET</p>",
        "<style>h1 + .x{display:none}</style><p class=x>SECRET</p>",
        "<style>.sm\\:gone{display:none}</style><p class=sm:gone>SECRET</p>",
        "<template><p>SECRET</p></template>",
        "<noscript><p>SECRET</p></noscript>",
        "<script>'SECRET'</script><style>SECRET{}</style>",
        "<form><select><option>SECRET</select><textarea>SECRET</textarea><button>SECRET</button></form>",
        "<dialog>SECRET</dialog>",
        "<!-- SECRET --><!-- a > SECRET --><! SECRET><?php SECRET ?></ SECRET>",
        "<ul><li hidden>SECRET<li>One</ul>",
        "<table><tr hidden><td>SECRET<tr><td>One</table>",
    ],
)
def test_what_a_browser_does_not_show_is_not_text(hidden: str) -> None:
    found = text(f"<body><p>Open.</p>{hidden}<p>Closed.</p></body>")
    assert "SECRET" not in found
    assert found.startswith("Open.")
    assert found.endswith("Closed.")


@pytest.mark.parametrize(
    "page",
    [
        "<html><title>Desk</title><body hidden><p>SECRET</p></body></html>",
        "<html hidden><body><p>SECRET</p></body></html>",
        "<html style='display: none'><body><p>SECRET</p></body></html>",
        "<body style='display:none'><h1>SECRET</h1><main>SECRET</main></body><p>SECRET</p>",
        "<p>SECRET<div><body hidden><p>SECRET</div></p>SECRET",
    ],
)
def test_of_a_page_whose_body_is_hidden_nothing_is_text(page: str) -> None:
    assert text(page) == ""


@pytest.mark.parametrize(
    "seen",
    [
        "<details><summary>SEEN</summary></details>",
        "<details><p>SEEN</details>",
        '<p aria-hidden="true">SEEN</p>',
        '<p style="display:block">SEEN</p>',
        "<style>@media print { .x { display: none } }</style><p class=x>SEEN</p>",
        "<style>.tabs .x { display: none }</style><p class=x>SEEN</p>",
        "<style>.a > .x { display: none }</style><div class=a><div><p class=x>SEEN</p></div></div>",
        "<style>.a .x { display: none }</style><div class=a></div><p class=x>SEEN</p>",
        "<style>[data-a=b] { display: none }</style><p data-a=c>SEEN</p>",
        "<style>@media (max-width: 9px) { .x { display: none } }</style><p class=x>SEEN</p>",
        "<style>p:empty, p::after, p:hover, *, :not(p) { display: none }</style><p>SEEN</p>",
        "<style>.x{display:none} .x{display:block}</style><p class=x>SEEN</p>",
        "<style>.x{display:none}</style><p class=x style='display:block'>SEEN</p>",
        "<svg/><p>SEEN</p>",
        "<p>&lt;!-- SEEN --&gt;</p>",
        "<dialog open>SEEN</dialog>",
        "<form><h2>SEEN</h2></form>",
    ],
)
def test_what_a_browser_shows_is_text(seen: str) -> None:
    assert "SEEN" in text(f"<body><p>Open.</p>{seen}</body>")


def test_optional_end_tags_may_be_missing() -> None:
    assert text("".join(f"<p>Paragraph {n}." for n in range(500))).split("\n\n") == [
        f"Paragraph {n}." for n in range(500)
    ]
    assert text("<ul><li>one<li>two<ul><li>nested</ul><li>three</ul>") == "- one\n- two\n  - nested\n- three"
    assert text("<dl><dt>a<dd>one<dt>b<dd>two</dl>") == "a\n:   one\n\nb\n:   two"
    assert text("<table><tr><th>a<th>b<tr><td>1<td>2</table>") == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert text("<select><option>a<option>b</select><p>x") == "x"


def test_spans_are_filled_so_that_a_cell_stands_under_its_header() -> None:
    page = "<table><tr><th rowspan=2>Part<th colspan=2>Price<tr><th>Bulb<th>Strip<tr><td>Plug<td>3<td>4</table>"
    assert text(page).splitlines() == [
        "| Part | Price | Price |",
        "| --- | --- | --- |",
        "| Part | Bulb | Strip |",
        "| Plug | 3 | 4 |",
    ]


@pytest.mark.parametrize("depth", [400, 5_000, 50_000])
def test_what_stands_deeper_than_any_page_is_still_read(depth: int) -> None:
    page = "<div>" * depth + "<p>first</p><p hidden>SECRET</p><div>second</div>" + "</div>" * depth + "<p>last</p>"
    assert text(page).split() == ["first", "second", "last"]
    assert text("<ul><li>" * 1000 + "deep").strip("- ") == "deep"


def test_the_tree_is_never_deeper_than_its_bound() -> None:
    node, depth = tree("<b><i>" * 1000 + "x").root, 0
    while node.children and not isinstance(node.children[0], str):
        node, depth = node.children[0], depth + 1
    assert depth == MAX_DEPTH


def test_an_unclosed_comment_is_told() -> None:
    found = tree("<p>Open.</p><!-- SECRET <p>SECRET")
    assert found.unclosed == 12


def test_the_main_element_is_read_and_several_articles_are_all_read() -> None:
    assert text("<p>menu</p><main><p>text</main>") == "text"
    assert text("<p>menu</p><article>text</article>") == "text"
    assert text("<article>one</article><article>two</article>") == "one\n\ntwo"
    assert text("<main></main><p>text") == "text"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b'<meta charset="iso-8859-1">', "iso-8859-1"),
        (b'<meta http-equiv=x content="text/html; charset=koi8-r">', "koi8-r"),
        (b'<?xml version="1.0" encoding="utf-16"?>', "utf-16"),
        (b"<p>charset=x", None),
    ],
)
def test_a_page_declares_its_encoding(content: bytes, encoding: str | None) -> None:
    assert declared_encoding(content) == encoding


def test_a_title_is_one_short_line() -> None:
    assert html_to_markdown("<title>\n A &amp;\n B </title>")[0] == "A & B"
    assert len(html_to_markdown(f"<title>{'x' * 1_000_000}</title>")[0]) == 200
