"""The alerts as they stand in files, what stands beside each of them, and the cases with both edges."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from support.repository import REPOSITORY

WHOSE = ("agent", "operator")
CASES = REPOSITORY / "tests/alerts"
RUNBOOKS = REPOSITORY / "runbooks"
# What stands for the labels of a process in the series of a case.
PROCESSES = {
    "$gateway": 'namespace="acme",service="helpdesk-gateway",pod="g"',
    "$orchestrator": 'namespace="acme",service="helpdesk-orchestrator",pod="o"',
    "$operator": 'namespace="supportplane-system",job="supportplane-operator-metrics"',
}


@dataclass(frozen=True, slots=True)
class Edges:
    """An alert that is silent at one moment and fires at the next. series: values a minute apart, as promtool has them.

    labels: those that the expression gives the alert, besides those of its rule.
    """

    alert: str
    series: dict[str, str]
    silent: str
    fires: str
    labels: dict[str, str]


def files(whose: str) -> list[Path]:
    return sorted((REPOSITORY / "alerts" / whose).glob("*.yaml"))


def every_file() -> list[Path]:
    return [path for whose in WHOSE for path in files(whose)]


def read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


def edges(path: Path) -> Edges:
    """Of an alert's file."""
    case = read(CASES / path.name)
    series = {_with_processes(name): values for name, values in case["series"].items()}
    return Edges(path.stem, series, case["silent"], case["fires"], case.get("labels", {}))


def _with_processes(name: str) -> str:
    for word, labels in PROCESSES.items():
        name = name.replace(word, labels)
    return name
