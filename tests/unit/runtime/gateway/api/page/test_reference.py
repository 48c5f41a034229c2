from html.parser import HTMLParser
from typing import Any

import httpx2

from supportplane_runtime.gateway.api.page.reference import STYLE_SOURCE, reference_page

HOSTILE = '<script>alert(1)</script>"'


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.urls += [value or "" for name, value in attrs if name in {"src", "href"}]


async def test_every_operation_is_described_without_script_or_foreign_file(client: httpx2.AsyncClient) -> None:
    page = await client.get("/docs")
    document = (await client.get("/openapi.json")).json()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for path, methods in document["paths"].items():
        for method in methods.keys() - {"head"}:
            assert f"{method.upper()} {path}" in page.text
    tags = Tags()
    tags.feed(page.text)
    assert "script" not in tags.names
    assert tags.urls == ["/openapi.json"]
    assert STYLE_SOURCE in page.headers["content-security-policy"]
    assert "script-src" not in page.headers["content-security-policy"]


def test_what_the_document_says_is_text_and_never_markup() -> None:
    operation = {
        "summary": HOSTILE,
        "description": HOSTILE,
        "parameters": [{"name": HOSTILE, "in": "query", "description": HOSTILE}],
        "responses": {"200": {"description": HOSTILE}},
        "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Body"}}}},
    }
    body: dict[str, Any] = {
        "properties": {HOSTILE: {"description": HOSTILE}},
        "required": [HOSTILE],
        "examples": [{HOSTILE: HOSTILE}],
    }
    document = {
        "info": {"title": HOSTILE, "version": HOSTILE, "description": HOSTILE},
        "paths": {f"/{HOSTILE}": {"post": operation}},
        "components": {"schemas": {"Body": body}},
    }
    assert "<script" not in reference_page(document)
