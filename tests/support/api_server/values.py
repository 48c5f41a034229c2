"""An object's values as an API server stores them: unknown fields gone, defaults filled in, quantities rewritten.

Pure. Built-in kinds are also validated in Go code, which is not modelled but for what ``kinds`` lists as immutable;
what their published schema demands is checked. Custom kinds are checked whole: by their schema here, by their rules in
``rules``.
"""

import copy
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from support.api_server.refusals import Cause
from support.api_server.shapes import (
    Node,
    Shape,
    Undeclared,
    as_text,
    child,
    definitions,
    is_quantity,
    items,
    keys_of,
    resolved,
    shape_of,
)

_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_UNIT = _DECIMAL.index("")
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_WORDS = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}

_SENTENCES = {
    "minimum": "should be greater than or equal to {}",
    "maximum": "should be less than or equal to {}",
    "minLength": "should be at least {} chars long",
    "maxLength": "Too long: may not be more than {} bytes",
    "minProperties": "should have at least {} properties",
    "minItems": "should have at least {} items",
    "maxItems": "Too many: must have at most {} items",
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


def mistakes(name: str, node: Node, value: Any) -> list[Cause]:
    """name: of the kind, whose validator is made once."""
    found = [_cause(error) for error in _validator(name, _Held(node)).iter_errors(value)]
    return found or list(repeated(node, value))


class _Held:
    """A schema as an argument of ``cache``, which is about the kind's name."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.node is self.node

    def __hash__(self) -> int:
        return id(self.node)


@cache
def _validator(name: str, held: _Held) -> Draft202012Validator:
    return Draft202012Validator({**held.node, "$defs": definitions()})


def _cause(error: ValidationError) -> Cause:
    path = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in error.absolute_path).lstrip(".")
    wanted: Any = error.validator_value
    match error.validator:
        case "required":
            there: Any = error.instance
            (name, *_) = (each for each in wanted if each not in there)
            return Cause(f"{path}.{name}".lstrip("."), "Required value", "FieldValueRequired")
        case "type":
            word = _WORDS.get(type(error.instance), "null")
            sentence = f'Invalid value: "{word}": {path} in body must be of type {error.validator_value}: "{word}"'
            return Cause(path, sentence, "FieldValueTypeInvalid")
        case "enum":
            words = ", ".join(f'"{each}"' for each in wanted)
            return Cause(
                path, f'Unsupported value: "{error.instance}": supported values: {words}', "FieldValueNotSupported"
            )
    words = _SENTENCES.get(str(error.validator), error.message).format(error.validator_value)
    if error.validator in {"maxLength", "maxItems"}:
        return Cause(path, words, "FieldValueTooLong")
    return Cause(path, f"Invalid value: {error.instance!r}: {path} in body {words}")


def repeated(node: Node, value: Any, path: str = "") -> Iterator[Cause]:
    """Entries of a list that the list may hold once."""
    node = resolved(node)
    if isinstance(value, dict):
        for name, part in value.items():
            yield from repeated(child(node, name), part, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list) and "items" in node:
        shape, seen = shape_of(node, value), set()
        for index, each in enumerate(value):
            yield from repeated(items(node), each, f"{path}[{index}]")
            mark = keys_of(node, each) if shape is Shape.LIST else as_text(each)
            if shape in {Shape.LIST, Shape.SET} and mark in seen:
                yield Cause(f"{path}[{index}]", f"Duplicate value: {mark}", "FieldValueDuplicate")
            seen.add(mark)
