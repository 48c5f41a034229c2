"""An object's values as an API server stores them: unknown fields gone, defaults filled in, quantities rewritten.

Pure. Built-in kinds are also validated in Go code, which is not modelled but for what ``kinds`` lists as immutable;
what their published schema demands is checked. Custom kinds are checked whole: by their schema here, by their rules in
``rules``.
"""

import copy
import operator
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from support.api_server.refusals import Cause, not_modelled
from support.api_server.shapes import (
    Node,
    Shape,
    Undeclared,
    as_text,
    child,
    is_quantity,
    items,
    keys_of,
    resolved,
    shape_of,
)

_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_UNIT = _DECIMAL.index("")
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_NUMBERS = {"integer", "number"}
_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}

_LIMITS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minimum": (operator.lt, "should be greater than or equal to {}"),
    "maximum": (operator.gt, "should be less than or equal to {}"),
    "minLength": (lambda value, least: len(value) < least, "should be at least {} chars long"),
    "maxLength": (lambda value, most: len(value) > most, "Too long: may not be more than {} bytes"),
    "minItems": (lambda value, least: len(value) < least, "should have at least {} items"),
    "maxItems": (lambda value, most: len(value) > most, "Too many: must have at most {} items"),
    "minProperties": (lambda value, least: len(value) < least, "should have at least {} properties"),
    "maxProperties": (lambda value, most: len(value) > most, "should have at most {} properties"),
}
_FORMATS = {"int32", "int64", "date-time"}
_KNOWN = {
    *("description", "type", "format", "enum", "default", "required", "properties", "items", "additionalProperties"),
    *("$ref", "nullable", "x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
    *("x-kubernetes-map-type", "x-kubernetes-preserve-unknown-fields", *_LIMITS),
}


def stored(node: Node, value: Any, *, is_builtin: bool) -> Any:
    """The value without nulls and unknown fields, with defaults. A built-in kind also loses what is empty."""
    if is_quantity(node):
        return canonical(str(value))
    node = resolved(node)
    if isinstance(value, dict):
        return _stored_map(node, value, is_builtin=is_builtin)
    if isinstance(value, list) and "items" in node:
        return [stored(items(node), each, is_builtin=is_builtin) for each in value]
    return value


def _stored_map(node: Node, value: dict[str, Any], *, is_builtin: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, part in value.items():
        schema = _known(node, name)
        if schema is None or (part is None and not resolved(schema).get("nullable")):
            continue
        after = stored(schema, part, is_builtin=is_builtin)
        if not (is_builtin and _is_left_out(schema, after)):
            found[name] = after
    for name, schema in node.get("properties", {}).items():
        if name not in found and "default" in schema:
            found[name] = stored(schema, copy.deepcopy(schema["default"]), is_builtin=is_builtin)
    return found


def _known(node: Node, name: str) -> Node | None:
    try:
        return child(node, name)
    except Undeclared:
        return None


def _is_left_out(node: Node, value: Any) -> bool:
    """What Go leaves out of its JSON: an empty list, an empty map of a user's keys."""
    return value == [] or (value == {} and "additionalProperties" in resolved(node))


def unknown(node: Node, value: Any, path: str = "") -> Iterator[str]:
    """The fields that the schema does not have, for a client that asks to be told."""
    if isinstance(value, dict):
        for name, part in value.items():
            schema, there = _known(node, name), f"{path}.{name}".lstrip(".")
            if schema is None:
                yield there
            else:
                yield from unknown(schema, part, there)
    elif isinstance(value, list) and "items" in resolved(node):
        for index, each in enumerate(value):
            yield from unknown(items(node), each, f"{path}[{index}]")


def canonical(text: str) -> str:
    """A quantity as the API server writes quantities: the largest suffix that leaves a whole number."""
    suffix = text.lstrip("+-.0123456789")
    if suffix in _BINARY:
        number = Decimal(text.removesuffix(suffix)) * 1024 ** (_BINARY.index(suffix) + 1)
        return _with_suffix(number, 1024, ("", *_BINARY)) if number >= 1024 else canonical(str(number.normalize()))
    if suffix not in _DECIMAL:
        return text  # a decimal exponent is kept
    number = Decimal(text.removesuffix(suffix) or "0") * Decimal(1000) ** (_DECIMAL.index(suffix) - _UNIT)
    return _with_suffix(number * Decimal(1000) ** _UNIT, 1000, _DECIMAL)


def _with_suffix(number: Decimal, factor: int, suffixes: tuple[str, ...]) -> str:
    rank = 0
    while number and number % factor == 0 and rank < len(suffixes) - 1:
        number, rank = number / factor, rank + 1
    return f"{int(number)}{suffixes[rank]}" if number else "0"


# Validation


def mistakes(node: Node, value: Any, path: str = "") -> Iterator[Cause]:
    """What the schema does not allow, each at its field. Rules are asked elsewhere."""
    node = resolved(node)
    wanted = node.get("type", "")
    if (wanted and not isinstance(value, _TYPES[wanted])) or (wanted in _NUMBERS and isinstance(value, bool)):
        word = next((name for name, kind in _TYPES.items() if isinstance(value, kind)), "null")
        sentence = f'Invalid value: "{word}": {path} in body must be of type {wanted}: "{word}"'
        yield Cause(path, sentence, "FieldValueTypeInvalid")
        return
    if value not in node.get("enum", [value]):
        words = ", ".join(f'"{each}"' for each in node["enum"])
        yield Cause(path, f'Unsupported value: "{value}": supported values: {words}', "FieldValueNotSupported")
    if node.get("format") == "date-time" and not _is_moment(value):
        yield Cause(path, f"Invalid value: {value!r}: {path} in body must be of type date-time")
    for limit, (is_broken, sentence) in _LIMITS.items():
        if limit in node and is_broken(value, node[limit]):
            is_long = limit in {"maxLength", "maxItems"}
            words = sentence.format(node[limit])
            shown = words if is_long else f"Invalid value: {value!r}: {path} in body {words}"
            yield Cause(path, shown, "FieldValueTooLong" if is_long else "FieldValueInvalid")
    yield from _mistakes_below(node, value, path)


def _is_moment(value: str) -> bool:
    try:
        return "T" in value and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _mistakes_below(node: Node, value: Any, path: str) -> Iterator[Cause]:
    if isinstance(value, dict):
        for name in node.get("required", ()):
            if name not in value:
                yield Cause(f"{path}.{name}".lstrip("."), "Required value", "FieldValueRequired")
        for name, part in value.items():
            yield from mistakes(child(node, name), part, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list) and "items" in node:
        wrong = [cause for index, each in enumerate(value) for cause in mistakes(items(node), each, f"{path}[{index}]")]
        yield from wrong or _repeated(node, value, path)


def _repeated(node: Node, value: list[Any], path: str) -> Iterator[Cause]:
    """Entries of a list that the list may hold once."""
    shape, seen = shape_of(node, value), set[str]()
    if shape is Shape.ATOMIC:
        return
    for index, each in enumerate(value):
        mark = keys_of(node, each) if shape is Shape.LIST else as_text(each)
        if mark in seen:
            yield Cause(f"{path}[{index}]", f"Duplicate value: {mark}", "FieldValueDuplicate")
        seen.add(mark)


def check_modelled(node: Node) -> None:
    """Raises Refused for a definition that demands what is not checked here."""
    for key in node.keys() - _KNOWN:
        raise not_modelled(f"{key} in a schema")
    if node.get("format", "int32") not in _FORMATS:
        raise not_modelled(f"the format {node['format']}")
    more = node.get("additionalProperties")
    parts = [*node.get("properties", {}).values(), node.get("items"), more]
    for part in parts:
        if isinstance(part, dict):
            check_modelled(part)
