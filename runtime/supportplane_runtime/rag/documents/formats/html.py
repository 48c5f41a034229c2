"""Pages of HTML, as their visitors see them."""

from typing import Final

from supportplane_runtime.rag.documents import front_matter
from supportplane_runtime.rag.documents.content import Content, Format
from supportplane_runtime.rag.documents.hidden import visible_templates
from supportplane_runtime.rag.documents.html_to_markdown import declared_encoding, tree_to_markdown
from supportplane_runtime.rag.documents.html_tree import tree
from supportplane_runtime.rag.documents.text import as_title, decoded, line_number


def read_html(content: bytes) -> Content:
    text = decoded(content, declared_encoding(content))
    page = front_matter.page(text)
    visible = visible_templates(page.body)
    found = tree(visible.text)
    title, markdown = tree_to_markdown(found)
    unclosed = visible.unclosed if found.unclosed is None else found.unclosed
    line = line_number(text, unclosed, body_from=len(text) - len(page.body))
    return Content(title or as_title(page.fields.get("title", "")), markdown, line, page.fields)


FORMATS: Final = (Format("HTML", (".html", ".htm", ".xhtml"), read_html),)
