"""How the parts of a kind merge, by the kind's OpenAPI schema: as one value, field by field, or entry by entry.

A schema node is a plain dict, as an API server publishes built-in kinds or as a CustomResourceDefinition spells its
own. ``fields`` compares and merges by these shapes; ``values`` fills in defaults and takes unknown fields away by them.
"""

import json
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from support.api_server.refusals import not_modelled

Node: TypeAlias = dict[str, Any]
BUILTIN_FILE = Path(__file__).with_name("builtin_kinds.json")
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_REFERENCE = "#/$defs/"


class Shape(Enum):
    ATOMIC = "one value: a scalar, or a list or map that is replaced as a whole"
    MAP = "field by field"
    LIST = "entry by entry, each known by its keys"
    SET = "a list of values, each at most once"


class Undeclared(Exception):
    """A field that the schema does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@cache
def definitions() -> dict[str, Node]:
    """By name, what the API server publishes of the built-in kinds that the operator touches."""
    found: dict[str, Node] = json.loads(BUILTIN_FILE.read_text(encoding="utf-8"))
    return found


def reference(name: str) -> Node:
    return {"$ref": _REFERENCE + name}


def resolved(node: Node) -> Node:
    """The node itself, where the node only names another."""
    name = node.get("$ref")
    return node if name is None else resolved(definitions()[name.removeprefix(_REFERENCE)])


def is_quantity(node: Node) -> bool:
    return node.get("$ref") == _REFERENCE + QUANTITY


def shape_of(node: Node, value: Any) -> Shape:
    """value: decides where the schema lets anything be."""
    node = resolved(node)
    if node.get("type") == "object" and node.get("x-kubernetes-map-type") != "atomic":
        return Shape.MAP
    if node.get("type") == "array":
        return {"map": Shape.LIST, "set": Shape.SET}.get(node.get("x-kubernetes-list-type", ""), Shape.ATOMIC)
    is_anything = "type" not in node and node.get("x-kubernetes-preserve-unknown-fields")
    return Shape.MAP if is_anything and isinstance(value, dict) else Shape.ATOMIC


def child(node: Node, name: str) -> Node:
    """The schema of a field. Raises Undeclared."""
    node = resolved(node)
    if name in node.get("properties", {}):
        found: Node = node["properties"][name]
        return found
    more = node.get("additionalProperties")
    if isinstance(more, dict):
        return more
    if more is True or is_open(node):
        return {"x-kubernetes-preserve-unknown-fields": True}
    raise Undeclared(name)


def is_declared(node: Node, name: str) -> bool:
    """Whether the field is one of the kind's own, and no key that a user chose."""
    return name in resolved(node).get("properties", {})


def is_open(node: Node) -> bool:
    """Whether fields are kept that the schema does not name."""
    return bool(resolved(node).get("x-kubernetes-preserve-unknown-fields"))


def items(node: Node) -> Node:
    found: Node = resolved(node)["items"]
    return found


def keys_of(node: Node, entry: Any) -> str:
    """An entry's keys as in managed fields: JSON with sorted names; a key that is left out has its default."""
    fields = resolved(items(node)).get("properties", {})
    found: dict[str, Any] = {}
    for key in resolved(node)["x-kubernetes-list-map-keys"]:
        value = entry.get(key, fields.get(key, {}).get("default"))
        if value is None:
            raise not_modelled(f"a list entry without its key {key}")
        found[key] = value
    return as_text(found)


def as_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
