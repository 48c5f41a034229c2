"""An HTML page to its title and Markdown, for readers.py: the article without what surrounds it on every page.

Navigation, banners, scripts, forms and hidden parts go; headings, lists, tables and code stay. Markdown comes out, so
that chunking sees one kind of structure.
"""

import re

from bs4 import BeautifulSoup, Tag
from bs4.dammit import EncodingDetector
from markdownify import ATX, MarkdownConverter

_SURROUNDINGS = (
    "nav, header, footer, aside, script, style, noscript, template, iframe, object, svg, canvas, form, button, dialog, "
    "[hidden], [aria-hidden=true], [role=navigation], [role=banner], [role=contentinfo], [role=search]"
)
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")
_LANGUAGE_CLASS = re.compile(r"(?:language|lang|highlight-source)-([\w+#-]+)")
# Anchors that documentation generators put beside headings.
_PERMALINKS = {"#", "¶", "🔗"}


def declared_encoding(content: bytes) -> str | None:
    """What the page's own meta element says, for bytes without a byte order mark."""
    declared = EncodingDetector.find_declared_encoding(content, is_html=True)
    return str(declared) if declared else None


def html_to_markdown(page: str) -> tuple[str, str]:
    """(title, Markdown); the title is empty when the page has none."""
    soup = BeautifulSoup(page, "html.parser")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    article = soup.find("main") or soup.find("article") or soup.body or soup
    assert isinstance(article, Tag)  # noqa: S101 -- find() of a name gives elements only
    for element in article.select(_SURROUNDINGS):
        element.decompose()
    for link in article.select("h1 a, h2 a, h3 a, h4 a, h5 a, h6 a"):
        if link.get_text(strip=True) in _PERMALINKS:
            link.decompose()
    converter = MarkdownConverter(
        heading_style=ATX,
        bullets="-",
        escape_asterisks=False,
        escape_underscores=False,
        code_language_callback=_code_language,
        table_infer_header=True,
    )
    return title, _BLANK_LINES.sub("\n\n", str(converter.convert_soup(article))).strip()


def _code_language(block: Tag) -> str:
    """Of ``<pre><code class="language-sh">`` and its relatives."""
    for element in (block, *block.find_all("code", limit=1)):
        match = _LANGUAGE_CLASS.search(" ".join(element.get_attribute_list("class") or []))
        if match:
            return match[1]
    return ""
