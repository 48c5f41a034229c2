"""The API reference: the OpenAPI document as one plain page. Pure: document in, HTML out; everything is escaped."""

import base64
import hashlib
import json
from collections.abc import Iterator
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow:auto;padding:.75rem;border:1px solid #8886}"
    "article{border-top:1px solid #8886;margin-top:2rem}"
    "td,th{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}"
)
# The only style the page's content security policy lets through.
STYLE_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"


def reference_page(document: dict[str, Any]) -> str:
    info = document["info"]
    operations = "".join(
        _operation(method, path, operation, document)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "head"  # said once, in the description
    )
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in info.get("description", "").split("\n\n"))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(info['title'])} {escape(info['version'])}</h1>{paragraphs}"
        f'<p>The machine-readable document: <a href="/openapi.json">/openapi.json</a></p>{operations}</body></html>'
    )


def _operation(method: str, path: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    return (
        f"<article><h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
        f"<p><strong>{escape(operation.get('summary', ''))}.</strong> {escape(operation.get('description', ''))}</p>"
        f"{_parameters(operation)}{_body(operation, document)}{_responses(operation)}</article>"
    )


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td><code>{escape(name)}</code></td><td>{escape(text)}</td></tr>" for name, text in rows)
    return f"<h3>{title}</h3><table>{cells}</table>" if rows else ""


def _parameters(operation: dict[str, Any]) -> str:
    found = operation.get("parameters", [])
    return _table("Parameters", [(item["name"], f"{item['in']}. {item.get('description', '')}") for item in found])


def _body(operation: dict[str, Any], document: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return ""
    schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    required = schema.get("required", [])
    rows = [(name, "; ".join(_facts(name, field, required))) for name, field in schema["properties"].items()]
    examples = "".join(f"<pre>{escape(json.dumps(example, indent=2))}</pre>" for example in schema.get("examples", []))
    return _table("Body (application/json)", rows) + examples


def _facts(name: str, field: dict[str, Any], required: list[str]) -> Iterator[str]:
    if name in required:
        yield "required"
    if "description" in field:
        yield field["description"]


def _responses(operation: dict[str, Any]) -> str:
    rows = [(status, response.get("description", "")) for status, response in operation["responses"].items()]
    return _table("Responses", rows)
