"""Hypothesis strategies from the JSON schemas of an OpenAPI document: values that fit, and values that nearly fit."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

TEXT = st.text(max_size=50)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=10
)
NASTY = st.sampled_from(
    [
        "",
        " ",
        "\x00",
        "\ud800",
        "\u202e",
        "a" * 9000,
        "🙂" * 3000,
        "null",
        "-1",
        "1e999",
        "../../etc/passwd",
        "%00",
        "'--",
    ]
)


def values(schema: Mapping[str, Any], document: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that the schema describes (patterns and formats but uuid are ignored)."""
    if "$ref" in schema:
        return values(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if "anyOf" in schema:
        return st.one_of([values(option, document) for option in schema["anyOf"]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    return _typed(schema, document)


def _typed(schema: Mapping[str, Any], document: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    match schema["type"]:
        case "string":
            return _text(schema)
        case "object":
            return _object(schema, document)
        case "integer":
            return st.integers(schema.get("minimum", -(2**31)), schema.get("maximum", 2**31))
        case other:
            return {"boolean": st.booleans(), "null": st.none()}[other]


def _text(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "uuid":
        return st.uuids().map(str)
    shortest = schema.get("minLength", 0)
    return st.text(min_size=shortest, max_size=max(min(schema.get("maxLength", 50), 60), shortest))


def _object(schema: Mapping[str, Any], document: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if "properties" not in schema:
        return st.dictionaries(TEXT, ANYTHING, max_size=4)
    required = schema.get("required", [])
    fields = {name: values(field, document) for name, field in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: fields[name] for name in required},
        optional={name: field for name, field in fields.items() if name not in required},
    )


def near_misses(schema: Mapping[str, Any], document: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """A fitting object with one thing wrong: a value of another kind, a key too many, or one too few."""
    fitting = values(schema, document)
    return (
        st.tuples(fitting, TEXT | st.sampled_from(["query", "user_id", "turn_id", "rating"]), ANYTHING | NASTY).map(
            lambda parts: {**parts[0], parts[1]: parts[2]}
        )
        | fitting.map(lambda value: dict(list(value.items())[1:]))
        | ANYTHING
        | NASTY
    )
