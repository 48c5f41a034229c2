"""The tables of `health_test.yaml` and `action_test.yaml`, in the form of Argo CD's own tests, and what they say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from support.argocd.states import CUSTOMIZATIONS
from supportplane_operator.snapshot import Manifest


@dataclass(frozen=True, slots=True)
class HealthCase:
    kind: str
    path: Path
    status: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.path.stem}"


@dataclass(frozen=True, slots=True)
class DiscoveryCase:
    """offered: by name of an action what Argo CD shows of it."""

    kind: str
    path: Path
    offered: Mapping[str, Manifest]

    def __str__(self) -> str:
        return f"{self.kind}: {self.path.stem}"


@dataclass(frozen=True, slots=True)
class ActionCase:
    """after: the object that it leaves; None where it refuses with the sentence in error."""

    kind: str
    action: str
    before: Path
    after: Path | None
    error: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind}: {self.action} {self.before.stem} {' '.join(self.parameters.values())}".strip()


def read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def health_cases() -> Iterator[HealthCase]:
    for folder in _folders("health_test.yaml"):
        for case in read(folder / "health_test.yaml")["tests"]:
            expected = case["healthStatus"]
            path = folder / case["inputPath"]
            yield HealthCase(folder.name, path, expected["status"], expected["message"])


def discovery_cases() -> Iterator[DiscoveryCase]:
    for folder in _folders("actions/action_test.yaml"):
        for case in read(folder / "actions/action_test.yaml")["discoveryTests"]:
            offered = {each["name"]: each for each in case["result"]}
            yield DiscoveryCase(folder.name, (folder / "actions" / case["inputPath"]).resolve(), offered)


def action_cases() -> Iterator[ActionCase]:
    for folder in _folders("actions/action_test.yaml"):
        for case in read(folder / "actions/action_test.yaml")["actionTests"]:
            expected = case.get("expectedOutputPath")
            yield ActionCase(
                kind=folder.name,
                action=case["action"],
                before=(folder / "actions" / case["inputPath"]).resolve(),
                after=(folder / "actions" / expected).resolve() if expected else None,
                error=case.get("expectedErrorMessage", ""),
                parameters=case.get("parameters", {}),
            )


def _folders(file: str) -> list[Path]:
    """Of kinds that have the file."""
    count = len(Path(file).parts)
    return sorted(path.parents[count - 1] for path in CUSTOMIZATIONS.glob(f"*/{file}"))
