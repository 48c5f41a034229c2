import re
from dataclasses import replace
from typing import Any

import pytest

from support.operator.samples import ALL_APIS, SAMPLES, SETTINGS, of_file, raw, snapshot
from supportplane_crds import load_agent_file
from supportplane_operator.images import relocated
from supportplane_operator.render import render, render_endpoint
from supportplane_operator.render.plan import Plan
from supportplane_operator.revision import revision_of
from supportplane_operator.snapshot import EndpointSnapshot

MIRROR = "mirror.example.com/all"
PRIVATE = SETTINGS.model_copy(update={"image_registry": MIRROR, "image_pull_secrets": ("registry",)})


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("ghcr.io/supportplane/runtime:1", "supportplane/runtime:1"),
        ("registry:5000/runtime@sha256:00", "runtime@sha256:00"),
        ("localhost/pause:1", "pause:1"),
        ("vllm/vllm-openai:v0.15.0", "vllm/vllm-openai:v0.15.0"),
        ("redis:8", "library/redis:8"),
        ("docker.io/redis:8", "library/redis:8"),
        ("docker.io/library/redis:8", "library/redis:8"),
    ],
)
def test_an_image_keeps_its_path_in_another_registry(image: str, told: str) -> None:
    assert relocated(image, MIRROR) == f"{MIRROR}/{told}"
    assert relocated(image, "") == image


def test_what_is_in_the_registry_already_stays() -> None:
    assert relocated(f"{MIRROR}/a:1", MIRROR) == f"{MIRROR}/a:1"
    assert relocated("mirror.example.com/all-else/a:1", MIRROR) == f"{MIRROR}/all-else/a:1"


def pods(found: Any) -> list[dict[str, Any]]:
    """Every pod's specification in manifests, and CloudNativePG's Cluster, which makes pods of its own."""
    if isinstance(found, list | tuple):
        return [pod for each in found for pod in pods(each)]
    if not isinstance(found, dict):
        return []
    own = [found] if "containers" in found else []
    own += [found["spec"]] if found.get("kind") == "Cluster" else []
    return own + [pod for each in found.values() for pod in pods(each)]


@pytest.mark.parametrize("sample", ["full.yaml", "managed.yaml"])
def test_every_pod_of_an_installation_pulls_from_its_registry_with_its_secrets(sample: str) -> None:
    file = load_agent_file(SAMPLES / sample)
    found = list(render(Plan(of_file(file), PRIVATE)))
    for endpoint in file.model_endpoints:
        found += render_endpoint(EndpointSnapshot(endpoint, raw(endpoint)), PRIVATE)
    made = pods(found)
    assert len(made) >= 2
    for pod in made:
        assert pod["imagePullSecrets"] == [{"name": "registry"}]
        images = [each["image"] for each in pod.get("containers", ())]
        assert [image for image in images if not re.match(f"{MIRROR}/[a-z]", image)] == []


def test_the_agents_own_secrets_and_those_of_its_class_come_first() -> None:
    of_agent = snapshot({"images": {"imagePullSecrets": [{"name": "own"}]}})
    assert Plan(of_agent, PRIVATE).pull_secrets == ("own",)
    full = load_agent_file(SAMPLES / "full.yaml")
    of_class = replace(snapshot(), agent_class=full.classes[0])
    assert Plan(of_class, PRIVATE).pull_secrets == ("registry",)
    assert Plan(snapshot(), SETTINGS).pull_secrets == ()


def test_a_mirror_makes_no_other_revision() -> None:
    found = snapshot({}, apis=ALL_APIS)
    assert revision_of(found, PRIVATE) == revision_of(found, SETTINGS)
