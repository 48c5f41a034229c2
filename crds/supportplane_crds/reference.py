"""The kinds to the reference page docs/reference/supportagent.md: every field with its meaning, values and default.

``generate.py`` writes the page. It reads the same schema that goes into the CRDs, so it cannot say anything else than
the API server does. The sample agent answers from this page: an entry is a sentence that stands alone.
"""

import json
from collections.abc import Iterator

from supportplane_crds.objects import KubernetesObject
from supportplane_crds.structural import Schema, structural_schema

HEADER = """<!-- Generated from crds/supportplane_crds by `make generate`: edit the models. -->
# SupportAgent fields

An agent file is one YAML file with one `SupportAgent`, and the `ModelEndpoint` and `KnowledgeBase` objects it names, as
documents separated by `---`. `supportplane validate -f agent.yaml` checks a file and names every mistake with its line.
A field that is not on this page is an error. Names of objects have at most 40 characters, so that everything made from
them can be named after them.

The same objects are stored on a Kubernetes cluster, and a file may hold a `SupportAgentClass` for it. A field that
begins with "On a cluster" does nothing on a laptop: `supportplane up` says which of them are set.

The smallest file that works:

```yaml
"""


def reference_page(kinds: list[type[KubernetesObject]], *, smallest: str) -> str:
    """Markdown. smallest: text of the minimal sample."""
    described: dict[str, str] = {}
    sections = [_kind_section(kind, described) for kind in kinds]
    return HEADER + smallest.rstrip() + "\n```\n" + "".join(sections)


def _kind_section(kind: type[KubernetesObject], described: dict[str, str]) -> str:
    """described: fields of a larger object -> heading of its section, which others point at."""
    schema = structural_schema(kind)
    sections = _sections(kind.__name__, "spec", schema["properties"]["spec"], described)
    return f"\n## {kind.__name__}\n\n{schema['description']}\n" + "".join(sections)


def _sections(kind: str, path: str, schema: Schema, described: dict[str, str]) -> Iterator[str]:
    """Of an object and the objects in it. What was described once is not described again."""
    if schema["type"] == "array":
        yield from _sections(kind, f"{path}[]", schema["items"], described)
    if "properties" not in schema:
        return
    heading, fields = f"{kind} {path}", json.dumps(schema["properties"])
    if fields in described:
        yield f"\n### {heading}\n\n{schema['description']} It has the fields of {described[fields]}.\n"
        return
    if _is_large(schema):
        described[fields] = heading
    yield _object_section(heading, path, schema)
    for name, part in schema["properties"].items():
        yield from _sections(kind, f"{path}.{name}", part, described)


def _is_large(schema: Schema) -> bool:
    """Worth pointing at rather than repeating."""
    parts = schema["properties"].values()
    return len(parts) >= 4 or any(part["type"] in {"object", "array"} for part in parts)


def _object_section(heading: str, path: str, schema: Schema) -> str:
    """Only fields that hold a value: an object in an object has a section of its own."""
    required = schema.get("required", [])
    fields = {name: part for name, part in schema["properties"].items() if _holds_a_value(part)}
    lines = [_field(f"{path}.{name}", part, is_required=name in required) for name, part in fields.items()]
    rules = [f"- {validation['message']}.\n" for validation in schema.get("x-kubernetes-validations", [])]
    must = [name for name in required if name not in fields]
    if not lines and not rules:
        return ""
    return (
        f"\n### {heading}\n\n{schema['description']}"
        + (f" It must hold {' and '.join(f'`{name}`' for name in must)}." if must else "")
        + "\n"
        + ("\n" + "".join(lines) if lines else "")
        + ("".join(["\nThese rules hold between its fields:\n\n", *rules]) if rules else "")
    )


def _holds_a_value(schema: Schema) -> bool:
    """Not an object with fields of its own."""
    return schema["type"] != "object" or "properties" not in schema


def _field(path: str, schema: Schema, *, is_required: bool) -> str:
    required = " It is required." if is_required else ""
    return f"- `{path}`: {schema['description']} It {_values(schema)}.{_default(schema)}{required}\n"


def _default(schema: Schema) -> str:
    default = schema.get("default", [])
    if default in ([], {}):
        return ""
    entries = default if isinstance(default, list) else [default]
    return f" The default is {', '.join(f'`{_flat(entry)}`' for entry in entries)}."


def _flat(entry: object) -> str:
    if isinstance(entry, dict):
        return "{" + ", ".join(f"{key}: {value}" for key, value in entry.items()) + "}"
    return str(entry).lower() if isinstance(entry, bool) else str(entry)


def _values(schema: Schema) -> str:
    """What may stand there, as a sentence that begins with "it"."""
    if schema["type"] == "array":
        return _list_values(schema)
    if schema["type"] == "object":
        return _map_values(schema)
    if schema["type"] == "boolean":
        return "is `true` or `false`"
    if "enum" in schema:
        return "is " + _either([f"`{value}`" for value in schema["enum"]])
    if schema["type"] == "integer":
        return f"is a whole number from {schema['minimum']} to {schema['maximum']}"
    rules = [validation["message"] for validation in schema.get("x-kubernetes-validations", [])]
    return ", and ".join(rules) if rules else f"is text of at most {schema['maxLength']} characters"


def _either(words: list[str]) -> str:
    return " or ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _list_values(schema: Schema) -> str:
    keys = schema.get("x-kubernetes-list-map-keys")
    most = "1 entry" if schema["maxItems"] == 1 else f"{schema['maxItems']} entries"
    if keys:
        return f"is a list of at most {most}, no two with the same `{keys[0]}`"
    return f"is a list of at most {most}, none twice; each {_values(schema['items'])}"


def _map_values(schema: Schema) -> str:
    """Of a mapping of names to text, or of an object that has no fields."""
    if "additionalProperties" not in schema:
        return "is an empty mapping, `{}`"
    rules = [validation["message"] for validation in schema.get("x-kubernetes-validations", [])]
    each = f"each value {_values(schema['additionalProperties'])}"
    return ", and ".join([f"is a mapping of at most {schema['maxProperties']} names to text", *rules, each])
