"""The CRDs as the API server wants them, as far as can be said without one (tests/manifests asks a real one)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from manifests.wrong_objects import full_sample
from supportplane_crds.load import KINDS, parse_agent_file
from supportplane_crds.objects import API_VERSION, GROUP, VERSION, KubernetesObject
from supportplane_crds.structural import Schema, custom_resource_definition, root_schema

EVERY_KIND = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)

# What a structural schema may hold: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/
ALLOWED_KEYS = {
    *("type", "description", "default", "enum", "format", "properties", "required", "items", "minimum", "maximum"),
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "additionalProperties"),
    *("x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
}


def spec_schema(kind: str) -> Schema:
    spec: Schema = root_schema(KINDS[kind])["properties"]["spec"]
    return spec


def nodes(schema: Schema) -> Iterator[Schema]:
    yield schema
    if "items" in schema:
        yield from nodes(schema["items"])
    for part in schema.get("properties", {}).values():
        yield from nodes(part)
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"])


def without_extensions(schema: Schema) -> Schema:
    """A plain JSON schema that also refuses unknown fields, as strict field validation does."""
    plain = {key: value for key, value in schema.items() if not key.startswith("x-")}
    for name in ("items", "additionalProperties"):
        if name in plain:
            plain[name] = without_extensions(plain[name])
    if "properties" in plain:
        plain["properties"] = {name: without_extensions(part) for name, part in plain["properties"].items()}
        plain["additionalProperties"] = False
    return plain


def defaulted(value: Any, schema: Schema) -> Any:
    """What the API server stores: absent fields with a default get it, from the outside inwards."""
    if isinstance(value, list):
        return [defaulted(entry, schema["items"]) for entry in value]
    if not isinstance(value, dict):
        return value
    parts = schema.get("properties", {})
    filled = {**{name: part["default"] for name, part in parts.items() if "default" in part}, **value}
    return {name: defaulted(part, parts.get(name, {})) for name, part in filled.items()}


@EVERY_KIND
def test_a_schema_is_structural(kind: type[KubernetesObject]) -> None:
    for node in nodes(root_schema(kind)):
        assert node.keys() <= ALLOWED_KEYS
        assert "type" in node
        assert not (set(node.get("required", [])) - node.get("properties", {}).keys())


@EVERY_KIND
def test_a_schema_is_a_json_schema(kind: type[KubernetesObject]) -> None:
    jsonschema.Draft202012Validator.check_schema(without_extensions(root_schema(kind)))


@EVERY_KIND
def test_a_default_is_valid_where_it_stands(kind: type[KubernetesObject]) -> None:
    for node in nodes(root_schema(kind)):
        if "default" in node:
            jsonschema.validate(node["default"], without_extensions(node))


@EVERY_KIND
def test_metadata_is_described_no_further_than_the_api_server_allows(kind: type[KubernetesObject]) -> None:
    assert root_schema(kind)["properties"]["metadata"] == {"type": "object"}


@EVERY_KIND
def test_a_definition_has_the_names_of_its_kind(kind: type[KubernetesObject]) -> None:
    definition = custom_resource_definition(kind)
    names = definition["spec"]["names"]
    assert definition["metadata"]["name"] == f"{names['plural']}.{GROUP}"
    assert names["categories"] == ["supportplane"]
    assert definition["spec"]["versions"][0]["name"] == VERSION
    assert f"{GROUP}/{VERSION}" == API_VERSION


def test_the_agent_has_its_short_name() -> None:
    names = custom_resource_definition(KINDS["SupportAgent"])["spec"]["names"]
    assert names["shortNames"] == ["sagent"], "sa is taken by service accounts"


def test_only_the_class_belongs_to_the_cluster_as_a_whole() -> None:
    scopes = {name: custom_resource_definition(kind)["spec"]["scope"] for name, kind in KINDS.items()}
    assert {name for name, scope in scopes.items() if scope == "Cluster"} == {"SupportAgentClass"}


@EVERY_KIND
def test_who_reports_a_status_has_the_subresource_for_it(kind: type[KubernetesObject]) -> None:
    version = custom_resource_definition(kind)["spec"]["versions"][0]
    assert ("status" in version["subresources"]) == ("status" in version["schema"]["openAPIV3Schema"]["properties"])


def test_the_scale_subresource_points_at_numbers_and_text() -> None:
    schema = root_schema(KINDS["SupportAgent"])
    scale = custom_resource_definition(KINDS["SupportAgent"])["spec"]["versions"][0]["subresources"]["scale"]
    types = []
    for path in scale.values():
        found = schema
        for step in path.removeprefix(".").split("."):
            found = found["properties"][step]
        types.append(found["type"])
    assert types == ["integer", "integer", "string"]


def test_no_two_kinds_share_a_name() -> None:
    names = [custom_resource_definition(kind)["spec"]["names"] for kind in KINDS.values()]
    words = [word for each in names for word in (each["plural"], each["singular"], *each.get("shortNames", []))]
    assert len(words) == len(set(words))


@EVERY_KIND
def test_printer_columns_point_at_fields(kind: type[KubernetesObject]) -> None:
    for column in custom_resource_definition(kind)["spec"]["versions"][0]["additionalPrinterColumns"][:-1]:
        schema = root_schema(kind)
        path, _, _ = column["jsonPath"].partition("[?")
        for step in path.removeprefix(".").split("."):
            schema = schema["properties"][step]
        if path != column["jsonPath"]:
            schema = schema["items"]["properties"][column["jsonPath"].rpartition(".")[2]]
        assert schema["type"] == column["type"]


def test_the_api_server_stores_the_defaults_that_python_has() -> None:
    text = (
        f"apiVersion: {API_VERSION}\nkind: SupportAgent\nmetadata: {{name: a}}\n"
        "spec: {template: {model: {modelRef: {name: m}}}}\n"
        f"---\napiVersion: {API_VERSION}\nkind: ModelEndpoint\nmetadata: {{name: m}}\nspec: {{embedded: {{}}}}\n"
    )
    agent_file = parse_agent_file(text, Path("agent.yaml"))
    stored = defaulted({"template": {"model": {"modelRef": {"name": "m"}}}}, spec_schema("SupportAgent"))
    assert stored == agent_file.agent.spec.dump()
    assert defaulted({"embedded": {}}, spec_schema("ModelEndpoint")) == agent_file.model_endpoint.spec.dump()


@pytest.mark.parametrize(
    "document", full_sample(), ids=lambda document: f"{document['kind']}-{document['metadata']['name']}"
)
def test_the_full_sample_fits_the_schema_it_is_stored_by(document: dict[str, Any]) -> None:
    jsonschema.validate(document["spec"], without_extensions(spec_schema(document["kind"])))
    kind = KINDS[document["kind"]]
    assert (
        defaulted(document["spec"], spec_schema(document["kind"]))
        == kind.model_validate_json(json.dumps(document), by_name=False).model_dump(
            mode="json", by_alias=True, exclude_none=True
        )["spec"]
    )
