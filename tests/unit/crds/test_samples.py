"""The samples and the laptop's agent: valid, minimal where they say so, and complete where they say so."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from support.repository import REPOSITORY
from supportplane_crds import Mode, load_agent_file
from supportplane_crds.load import KINDS
from supportplane_crds.structural import Schema, root_schema

SAMPLES = sorted((REPOSITORY / "crds/samples").glob("*.yaml"))


@pytest.mark.parametrize("path", [*SAMPLES, REPOSITORY / "environments/local/agent.yaml"], ids=lambda path: path.name)
def test_a_file_we_ship_is_valid_and_its_sources_exist(path: Path) -> None:
    assert load_agent_file(path).agent.name


def paths(path: str, value: Any) -> Iterator[str]:
    """Every field that a manifest sets, entries of lists as []."""
    yield path
    if isinstance(value, dict):
        for name, part in value.items():
            yield from paths(f"{path}.{name}", part)
    if isinstance(value, list):
        for part in value:
            yield from paths(f"{path}[]", part)


def declared(path: str, schema: Schema) -> Iterator[str]:
    yield path
    if "items" in schema:
        yield from declared(f"{path}[]", schema["items"])
    for name, part in schema.get("properties", {}).items():
        yield from declared(f"{path}.{name}", part)


def used_in(*samples: str) -> dict[str, set[str]]:
    """By kind: every field that some object of the samples sets."""
    used: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for sample in samples:
        text = (REPOSITORY / f"crds/samples/{sample}.yaml").read_text(encoding="utf-8")
        for document in YAML(typ="safe", pure=True).load_all(text):
            used[document["kind"]] |= set(paths(document["kind"], document))
    return used


@pytest.mark.parametrize("kind", KINDS)
def test_the_samples_of_own_and_of_managed_stores_use_every_field_there_is(kind: str) -> None:
    there_is = {path for path in declared(kind, root_schema(KINDS[kind])) if not path.startswith(f"{kind}.status")}
    used = used_in("full", "managed")[kind]
    assert of_any_role(there_is) - of_any_role(used) == set()
    assert {path for path in there_is if path.endswith((".orchestrator", ".knowledge"))} <= used


def of_any_role(paths: set[str]) -> set[str]:
    """The roles have the same fields: what one of them shows stands for all."""
    return {re.sub(r"(workloads)\.(gateway|orchestrator|knowledge)\b", r"\1.role", path) for path in paths}


def test_the_full_sample_leaves_out_only_what_cannot_stand_beside_it() -> None:
    left_out = used_in("managed")["SupportAgent"] - used_in("full")["SupportAgent"]
    assert {path.split(".")[-1].removesuffix("[]") for path in left_out} == {
        *("cloudNativePG", "instances", "storageSize", "storageClassName", "managed"),
        *("autoscaling", "provider", "minReplicas", "maxReplicas", "targets", "metric", "value"),
        *("ingress", "className", "tlsSecretRef", "clusterIssuer", "name"),
    }


def test_the_smallest_agent_is_safe_by_default() -> None:
    agent_file = load_agent_file(REPOSITORY / "crds/samples/minimal.yaml")
    spec = agent_file.agent.spec
    assert spec.mode is Mode.AUTO
    assert spec.tenant.id == "default"
    assert spec.template.knowledge == ()
    assert [str(trigger) for trigger in spec.template.handoff.triggers] == ["CustomerRequest", "MissingKnowledge"]
    assert spec.template.handoff.visitor_tickets_per_hour == 5
    limits = {scope: (limit.requests, limit.window.total_seconds()) for scope, limit in spec.gateway.limits().items()}
    assert limits == {"APIKey": (120, 60), "User": (60, 60), "IP": (600, 60), "NewVisitor": (200, 10)}


def test_the_laptops_agent_knows_this_projects_documentation() -> None:
    agent_file = load_agent_file(REPOSITORY / "environments/local/agent.yaml")
    (reference,) = agent_file.agent.spec.template.knowledge
    sources = agent_file.knowledge_base(reference.name).spec.sources
    assert {agent_file.source_path(source) for source in sources} == {REPOSITORY / "docs", REPOSITORY / "README.md"}
