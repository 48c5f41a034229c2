"""A model to the structural schema and the CustomResourceDefinition that the API server takes.

Pydantic makes a JSON schema; the API server wants one without references, titles and unions, in which every list says
how it merges. ``generate.py`` writes the result. Nothing here decides what is allowed: the models do.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from supportplane_crds.objects import GROUP, METADATA_RULES, VERSION, Column, ContractModel, KubernetesObject
from supportplane_crds.quantity import format_duration
from supportplane_crds.rules import with_validations

Schema = dict[str, Any]

_KEY_ORDER = ("description", "type", "format", "enum", "default", "required", "properties", "items")


class _ContractSchema(GenerateJsonSchema):
    """Pydantic's generator, with defaults written as a YAML file would have them."""

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, ContractModel):
            return dft.dump()  # in full: the API server tries rules on a default before it fills in those of its fields
        if isinstance(dft, tuple):
            return [part.dump() if isinstance(part, ContractModel) else self.encode_default(part) for part in dft]
        if isinstance(dft, timedelta):
            return format_duration(dft)
        return str(dft) if isinstance(dft, Decimal) else super().encode_default(dft)


def structural_schema(model: type[ContractModel]) -> Schema:
    """The schema of a model, references resolved."""
    schema = model.model_json_schema(by_alias=True, schema_generator=_ContractSchema)
    return _node(schema, schema.get("$defs", {}))


def _node(schema: Schema, definitions: Schema) -> Schema:
    found = _resolved(schema, definitions)
    for unwanted in ("title", "$defs"):
        found.pop(unwanted, None)
    found.pop("propertyNames", None)  # rules say what keys may be
    if found.get("additionalProperties") is False:
        del found["additionalProperties"]  # in a structural schema unknown fields are pruned, or refused by kubectl
    elif "additionalProperties" in found:
        found["additionalProperties"] = _node(found["additionalProperties"], definitions)
    if "const" in found:
        found["enum"] = [found.pop("const")]
    if "properties" in found:
        found["properties"] = {name: _node(part, definitions) for name, part in found["properties"].items()}
    if "items" in found:
        found["items"] = _node(found["items"], definitions)
    if found.get("type") == "integer":
        found["format"] = "int32"
    if not found.get("properties", True):
        del found["properties"]
    return dict(sorted(found.items(), key=lambda entry: _rank(entry[0])))


def _rank(key: str) -> int:
    return _KEY_ORDER.index(key) if key in _KEY_ORDER else len(_KEY_ORDER)


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """Follow $ref and drop "or null": what stands beside them is about the field and wins."""
    beside = {key: value for key, value in schema.items() if key not in {"$ref", "anyOf"}}
    if beside.get("default", ...) is None:
        del beside["default"]
    if "$ref" in schema:
        return {**_resolved(definitions[schema["$ref"].rpartition("/")[2]], definitions), **beside}
    if "anyOf" in schema:
        (only,) = [part for part in schema["anyOf"] if part.get("type") != "null"]
        return {**_resolved(only, definitions), **beside}
    return beside


def root_schema(kind: type[KubernetesObject]) -> Schema:
    """The schema of a whole object. Of metadata the API server allows no description; rules say what a name may be."""
    schema = structural_schema(kind)
    fields = schema["properties"]
    strings = {name: {"description": fields[name]["description"], "type": "string"} for name in ("apiVersion", "kind")}
    status = {} if kind.status_model is None else {"status": structural_schema(kind.status_model)}
    schema["properties"] = {**strings, "metadata": {"type": "object"}, "spec": fields["spec"], **status}
    schema["required"] = ["spec"]
    return with_validations(schema, METADATA_RULES)


def custom_resource_definition(kind: type[KubernetesObject]) -> Schema:
    """The manifest. With the status subresource no user can write a status."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced" if kind.is_namespaced else "Cluster",
            "names": _names(kind),
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": _subresources(kind),
                    "additionalPrinterColumns": [
                        *map(_column, kind.columns),
                        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
                    ],
                    "schema": {"openAPIV3Schema": root_schema(kind)},
                }
            ],
        },
    }


def _subresources(kind: type[KubernetesObject]) -> Schema:
    found: Schema = {} if kind.status_model is None else {"status": {}}
    if kind.scale is not None:
        found["scale"] = {
            "specReplicasPath": kind.scale.wanted,
            "statusReplicasPath": kind.scale.there_are,
            "labelSelectorPath": kind.scale.selector,
        }
    return found


def _column(column: Column) -> Schema:
    wide = {"priority": 1} if column.is_wide else {}
    return {"name": column.heading, "type": column.type, "jsonPath": column.path, **wide}


def _names(kind: type[KubernetesObject]) -> dict[str, Any]:
    name = kind.__name__
    return {
        "kind": name,
        "listKind": f"{name}List",
        "plural": kind.plural,
        "singular": name.lower(),
        **({"shortNames": list(kind.short_names)} if kind.short_names else {}),
        "categories": ["supportplane"],
    }
