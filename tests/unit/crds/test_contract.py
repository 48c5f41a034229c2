"""What every field of the contract must have; the schema is walked, so a new field is held to it too."""

import re
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from supportplane_crds.load import KINDS
from supportplane_crds.structural import Schema, structural_schema

Place = tuple[str, Schema]

YAML_1_1_BOOLEANS = {"y", "n", "yes", "no", "true", "false", "on", "off"}


def fields(path: str, schema: Schema) -> Iterator[Place]:
    """Every schema below spec, with its path."""
    yield path, schema
    if "items" in schema:
        yield from fields(f"{path}[]", schema["items"])
    for name, part in schema.get("properties", {}).items():
        yield from fields(f"{path}.{name}", part)
    if "additionalProperties" in schema:
        yield from fields(f"{path}{{}}", schema["additionalProperties"])


ALL: list[Place] = [
    place for name, kind in KINDS.items() for place in fields(name, structural_schema(kind)["properties"]["spec"])
]
EVERY_FIELD = pytest.mark.parametrize(("path", "schema"), ALL, ids=[path for path, _ in ALL])


@EVERY_FIELD
def test_a_field_has_a_description_that_is_a_sentence(path: str, schema: Schema) -> None:
    if path.endswith(("[]", "{}")) and schema["type"] == "string":
        return  # an entry of a set or a mapping is described by what holds it
    assert re.fullmatch(r"[A-Z0-9].{8,}[.]", schema.get("description", "")), path


@EVERY_FIELD
def test_a_list_says_how_it_merges_and_how_long_it_may_be(path: str, schema: Schema) -> None:
    if schema["type"] != "array":
        return
    assert schema["x-kubernetes-list-type"] in {"map", "set"}
    assert schema["maxItems"] <= 32
    if schema["x-kubernetes-list-type"] == "map":
        assert set(schema["x-kubernetes-list-map-keys"]) <= set(schema["items"]["required"])
    else:
        assert schema["items"]["type"] == "string", "server-side apply cannot merge sets of objects"


@EVERY_FIELD
def test_text_is_bounded_or_enumerated_and_numbers_have_a_range(path: str, schema: Schema) -> None:
    if schema["type"] == "string":
        assert "enum" in schema or schema["maxLength"] <= 16384
    if "additionalProperties" in schema:
        assert schema["maxProperties"] <= 32
    if schema["type"] == "integer":
        assert {"minimum", "maximum", "format"} <= schema.keys()
    assert schema["type"] in {"string", "integer", "boolean", "object", "array"}, "floats are not portable"


@EVERY_FIELD
def test_no_word_of_an_enumeration_is_a_boolean_to_yaml(path: str, schema: Schema) -> None:
    words = {str(word).lower() for word in schema.get("enum", [])}
    assert not words & YAML_1_1_BOOLEANS
    assert all(re.fullmatch("[A-Z][A-Za-z0-9-]*[.]?[A-Za-z0-9-]*", word) for word in schema.get("enum", []))


@EVERY_FIELD
def test_a_field_is_required_or_has_a_default_or_may_be_absent_but_not_two_of_these(path: str, schema: Schema) -> None:
    for name in schema.get("required", []):
        assert "default" not in schema["properties"][name]


@EVERY_FIELD
def test_a_rule_is_a_sentence_that_can_follow_the_path(path: str, schema: Schema) -> None:
    for validation in schema.get("x-kubernetes-validations", []):
        assert len(validation["message"]) <= 200
        assert not validation["message"].endswith(".")
        assert "\n" not in validation["rule"]


def test_field_names_are_camel_case() -> None:
    names = {path.rpartition(".")[2].rstrip("[]{}") for path, _ in ALL[1:] if "." in path}
    assert all(re.fullmatch("[a-z]+([A-Z]+[a-z]*)*", name) for name in names), names


def test_a_model_cannot_be_changed_once_made() -> None:
    for kind in KINDS.values():
        assert all(model.model_config.get("frozen") for model in models(kind))


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for info in model.model_fields.values():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from models(info.annotation)
