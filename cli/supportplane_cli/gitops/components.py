"""The parts of a platform, as clusters/platform/<component>/component.yaml says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supportplane_cli.errors import WrongUsage

PLATFORM = Path("clusters/platform")


@dataclass(frozen=True, slots=True)
class Component:
    """repository: of a chart or of git, None for what the tree holds itself."""

    name: str
    layer: str
    repository: str | None
    images: tuple[str, ...]

    @property
    def is_of_the_tree(self) -> bool:
        return self.repository is None


def read_components(root: Path) -> tuple[Component, ...]:
    """In the order of their names. Raises WrongUsage for a file that says something else."""
    return tuple(_component(path) for path in sorted((root / PLATFORM).glob("*/component.yaml")))


def _component(path: Path) -> Component:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        said: dict[str, Any] = YAML(typ="safe", pure=True).load(path)["component"]
        place = said.get("chart") or said.get("git") or {}
        images = tuple(str(each["image"]) for each in said["images"])
        return Component(str(said["name"]), str(said["layer"]), place.get("repository"), images)
    except (YAMLError, KeyError, TypeError, AttributeError) as error:
        raise WrongUsage(f"{path} is no component: {error}") from error
