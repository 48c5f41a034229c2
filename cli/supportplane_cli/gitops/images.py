"""Every image that a tree makes clusters run: of the parts of the platform, and of agents and model servers."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supportplane_cli.gitops.components import read_components

FOLDERS = ("environments", "clusters")
_KINDS = {"SupportAgent", "SupportAgentClass", "ModelEndpoint"}


@dataclass(frozen=True, slots=True)
class Image:
    """users: components and files that name it."""

    name: str
    users: tuple[str, ...]


def images_of(root: Path) -> tuple[Image, ...]:
    """In the order of their names, each once."""
    found: dict[str, set[str]] = {}
    for component in read_components(root):
        for name in component.images:
            found.setdefault(name, set()).add(component.name)
    for file, name in _named_by_objects(root):
        found.setdefault(name, set()).add(file)
    return tuple(Image(name, tuple(sorted(users))) for name, users in sorted(found.items()))


def _named_by_objects(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(each for folder in FOLDERS for each in (root / folder).rglob("*.yaml")):
        for document in _documents(path):
            if isinstance(document, dict) and document.get("kind") in _KINDS:
                for name in _images(document.get("spec")):
                    yield str(path.relative_to(root)), name


def _documents(path: Path) -> list[Any]:
    """None of a file that is no YAML: kustomize says so better."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return list(YAML(typ="safe", pure=True).load_all(path.read_text(encoding="utf-8")))
    except (YAMLError, UnicodeDecodeError):
        return []


def _images(spec: Any) -> Iterator[str]:
    """Of the contract's places: spec.images.<role> and spec.serving.image."""
    if not isinstance(spec, dict):
        return
    images, serving = spec.get("images"), spec.get("serving")
    if isinstance(images, dict):
        yield from (value for value in images.values() if isinstance(value, str))
    if isinstance(serving, dict) and isinstance(serving.get("image"), str):
        yield serving["image"]
