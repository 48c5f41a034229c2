import pytest

from supportplane_runtime.rag.documents.blocks import Heading
from supportplane_runtime.rag.documents.links import Site, anchors, page_url

DOCS = "https://example.com/docs/"


@pytest.mark.parametrize(
    ("path", "suffix", "url"),
    [
        ("guide/faq.md", None, "guide/faq.md"),
        ("guide/faq.md", "", "guide/faq"),
        ("guide/faq.mdx", "/", "guide/faq/"),
        ("guide/faq.md", ".html", "guide/faq.html"),
        ("guide/faq.html", "", "guide/faq"),
        ("guide/v1.2.md", "", "guide/v1.2"),
        ("guide/notes.txt", "", "guide/notes.txt"),
        ("guide/index.md", "", "guide"),
        ("guide/README.md", "/", "guide/"),
        ("guide/_index.md", ".html", "guide/index.html"),
        ("index.md", "", ""),
        ("a%20b.md", "", "a%20b"),
    ],
)
def test_a_file_is_published_under_its_name_with_the_suffix_of_the_site(
    path: str, suffix: str | None, url: str
) -> None:
    assert page_url(Site(DOCS, suffix, path), {}) == f"https://example.com/docs/{url}"


@pytest.mark.parametrize(
    ("fields", "suffix", "url"),
    [
        ({"slug": "/start"}, None, "https://example.com/docs/start"),
        ({"slug": "start"}, "", "https://example.com/docs/guide/start"),
        ({"slug": "start"}, "/", "https://example.com/docs/guide/start/"),
        ({"slug": "/"}, "", "https://example.com/docs/"),
        ({"slug": "über-uns"}, "", "https://example.com/docs/guide/%C3%BCber-uns"),
        ({"permalink": "/about.html"}, "/", "https://example.com/docs/about.html"),
        ({"url": "/docs/about/"}, "", "https://example.com/docs/about/"),
    ],
)
def test_a_page_stands_where_its_front_matter_says(fields: dict[str, str], suffix: str | None, url: str) -> None:
    assert page_url(Site(DOCS, suffix, "guide/faq.md"), fields) == url


@pytest.mark.parametrize(
    "fields",
    [
        {"slug": "https://elsewhere.example/"},
        {"slug": "../../secret"},
        {"slug": "//elsewhere.example"},
        {"slug": "javascript:alert(1)"},
        {"permalink": "/:year/:title/"},
        {"permalink": "{{ page.fileSlug }}/"},
        {"url": "elsewhere"},
    ],
)
def test_a_front_matter_that_names_no_path_of_the_site_is_not_followed(fields: dict[str, str]) -> None:
    assert page_url(Site(DOCS, "", "guide/faq.md"), fields) == "https://example.com/docs/guide/faq"


def test_a_repository_shows_files_whatever_their_front_matter_says() -> None:
    site = Site("https://github.com/acme/docs/blob/main", "", "guide/faq.md")
    assert page_url(site, {"slug": "/start"}) == "https://github.com/acme/docs/blob/main/guide/faq.md"


def test_a_heading_has_the_anchor_that_github_gives_it() -> None:
    titles = ["Set up", "What's new in 2.0?", "Set up", "Zurück \u2013 Größe", "Keys {#my-keys}", "snake_case"]
    found = anchors(Heading(2, title, serial) for serial, title in enumerate(titles))
    assert list(found.values()) == ["set-up", "whats-new-in-20", "set-up-1", "zurück--größe", "my-keys", "snake_case"]
