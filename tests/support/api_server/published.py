"""What a real API server publishes of the built-in kinds, cut to what ``shapes`` reads: the file builtin_kinds.json.

``test_api_server`` compares the file with a real API server and, told so by WRITE_BUILTIN_KINDS, writes the file anew.
"""

import json
from collections.abc import Callable
from typing import Any

from support.api_server.kinds import BUILTIN, Kind
from support.api_server.shapes import Node

_REFERENCE = "#/components/schemas/"
_KEPT = (
    "type",
    "format",
    "required",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
)


def read_published(ask: Callable[[str], dict[str, Any]]) -> dict[str, Node]:
    """ask: the body at a path of the API server. Every definition that a kind of ours leads to."""
    found: dict[str, Node] = {}
    for group in sorted({_group(kind) for kind in BUILTIN}):
        schemas = ask(f"/openapi/v3/{group}")["components"]["schemas"]
        waiting = [kind.schema["$ref"].rpartition("/")[2] for kind in BUILTIN if _group(kind) == group]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = _slim(schemas[name], waiting)
    return found


def as_json(found: dict[str, Node]) -> str:
    """One definition a line, so that a difference can be read."""
    lines = (f"{json.dumps(name)}: {json.dumps(node, sort_keys=True)}" for name, node in sorted(found.items()))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _group(kind: Kind) -> str:
    return f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"


def _slim(node: Node, waiting: list[str]) -> Node:
    """Without sentences, and without defaults that say nothing; names of other definitions go to ``waiting``."""
    if "allOf" in node:
        (other,) = node["allOf"]
        node = {**node, **other}
    default = {"default": node["default"]} if node.get("default") else {}
    if "$ref" in node:
        name = node["$ref"].removeprefix(_REFERENCE)
        waiting.append(name)
        return {"$ref": f"#/$defs/{name}", **default}
    found = {key: node[key] for key in _KEPT if key in node} | default
    if "properties" in node:
        found["properties"] = {name: _slim(part, waiting) for name, part in node["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in node:
            found[key] = _slim(node[key], waiting) if isinstance(node[key], dict) else node[key]
    if found.get("type") == "object" and not {"properties", "additionalProperties"} & found.keys():
        found["x-kubernetes-preserve-unknown-fields"] = True  # in a definition of a custom kind this must be said
    return found
