"""Which fields of a file mean something on a cluster only."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from support.repository import REPOSITORY
from supportplane_crds import fields_that_need_a_cluster, fields_without_effect, load_agent_file, parse_agent_file
from supportplane_crds.cluster_only import ClusterOnly
from supportplane_crds.load import KINDS

SMALLEST = (REPOSITORY / "crds/samples/minimal.yaml").read_text(encoding="utf-8")


def test_a_field_that_nobody_wrote_is_not_named() -> None:
    agent = parse_agent_file(SMALLEST, Path("agent.yaml")).agent
    assert fields_without_effect(agent) == ()
    assert agent.spec.scaling.replicas == 2


def test_the_outermost_field_is_named_once() -> None:
    text = SMALLEST.replace("spec:\n  template:", "spec:\n  scaling: {replicas: 3}\n  template:", 1)
    assert fields_without_effect(parse_agent_file(text, Path("agent.yaml")).agent) == ("spec.scaling",)


def test_the_full_sample_names_every_field_of_clusters() -> None:
    assert set(fields_without_effect(load_agent_file(REPOSITORY / "crds/samples/full.yaml").agent)) == {
        *("spec.gateway.parentRefs", "spec.gateway.hostnames", "spec.gateway.auth"),
        *("spec.classRef", "spec.images", "spec.persistence", "spec.scaling", "spec.workloads"),
        *("spec.networkPolicy", "spec.observability"),
    }


def test_what_no_laptop_can_use_is_told_apart_from_what_it_does_without() -> None:
    agent_file = load_agent_file(REPOSITORY / "crds/samples/managed.yaml")
    assert fields_that_need_a_cluster(agent_file.agent) == ()
    assert fields_that_need_a_cluster(agent_file.model_endpoint) == ("spec.serving",)
    assert fields_that_need_a_cluster(agent_file.knowledge_bases[0]) == (
        "spec.sources[0].configMap",
        "spec.sources[1].volumeClaim",
    )


def marked(model: type[BaseModel], path: str) -> Iterator[tuple[str, str]]:
    for name, info in model.model_fields.items():
        if any(isinstance(part, ClusterOnly) for part in info.metadata):
            yield f"{path}.{name}", info.description or ""
        for part in (info.annotation, *getattr(info.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from marked(part, f"{path}.{name}")


@pytest.mark.parametrize(("path", "description"), [each for name, kind in KINDS.items() for each in marked(kind, name)])
def test_a_field_of_clusters_says_so_itself(path: str, description: str) -> None:
    assert description.startswith("On a cluster: "), path
