"""Markdown, and plain text, which is Markdown without marks."""

from typing import Final

from supportplane_runtime.rag.documents import front_matter
from supportplane_runtime.rag.documents.boxes import without_boxes
from supportplane_runtime.rag.documents.content import Content, Format
from supportplane_runtime.rag.documents.furniture import without_furniture
from supportplane_runtime.rag.documents.generators import without_marks
from supportplane_runtime.rag.documents.hidden import visible_markdown
from supportplane_runtime.rag.documents.text import as_title, decoded, line_number


def read_markdown(content: bytes) -> Content:
    text = decoded(content)
    page = front_matter.page(text)
    visible = visible_markdown(page.body)
    line = line_number(text, visible.unclosed, body_from=len(text) - len(page.body))
    shown = without_marks(without_furniture(without_boxes(visible.text)))
    return Content(as_title(page.fields.get("title", "")), shown, line, page.fields)


FORMATS: Final = (Format("Markdown", (".md",), read_markdown), Format("text", (".txt",), read_markdown))
