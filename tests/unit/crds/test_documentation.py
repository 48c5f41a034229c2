"""Examples and field names in the documentation are those of the contract."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from manifests.wrong_objects import full_sample
from support.repository import REPOSITORY
from supportplane_crds import parse_agent_file
from supportplane_crds.load import KINDS
from supportplane_crds.objects import API_VERSION
from supportplane_crds.structural import Schema, root_schema

PAGES = sorted([*REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("*.md")])
BLOCKS = [
    pytest.param(page, block, id=f"{page.relative_to(REPOSITORY)}:{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    )
]


def merged(below: Any, above: Any) -> Any:
    """Mappings are joined, all else is replaced."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{name: merged(below.get(name), part) for name, part in above.items()}}


def accepts(kind: str, document: dict[str, Any]) -> bool:
    try:
        KINDS[kind].model_validate(document, strict=False, by_name=False, by_alias=True)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(("page", "block"), BLOCKS)
def test_an_example_is_valid(page: Path, block: str) -> None:
    """A file is read as one; a single companion object or a piece of a spec must fit some kind."""
    if "kind: SupportAgent" in block:
        assert parse_agent_file(block, page).agent.name
        return
    for document in YAML(typ="safe", pure=True).load_all(block):
        if "apiVersion" in document:
            assert accepts(document["kind"], document)
        elif "spec" in document:
            assert any(accepts(whole["kind"], merged(whole, document)) for whole in full_sample())


def exists(schema: Schema, steps: list[str]) -> bool:
    for step in steps:
        found = schema.get("items", schema)
        if step not in found.get("properties", {}):
            return False
        schema = found["properties"][step]
    return True


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_a_field_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    schemas = [root_schema(kind) for kind in KINDS.values()]
    for path in set(re.findall(r"`(spec(?:\.\w+(?:\[\w*\])?)+)", text)):
        steps = re.sub(r"\[\w*\]", "", path).split(".")
        assert any(exists(schema, steps) for schema in schemas), path


def test_pages_name_the_version_there_is() -> None:
    versions = {version for page in PAGES for version in re.findall(r"supportplane\.io/v\w+", page.read_text())}
    assert versions <= {API_VERSION}
