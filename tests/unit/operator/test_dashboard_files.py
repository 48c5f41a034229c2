"""Dashboards as files: Grafana takes them, every query asks for what code sets, and a panel leads to real runbooks."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from prometheus_client.metrics import MetricWrapperBase

from support.operator.alert_files import RUNBOOKS
from support.repository import REPOSITORY
from supportplane_operator.metrics import Metrics, Readiness
from supportplane_operator.settings import Settings
from supportplane_runtime import metrics

FILES = sorted((REPOSITORY / "dashboards").glob("*.json"))
every_dashboard = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
OF_TARGETS = {"namespace", "service", "job", "le"}  # labels that Prometheus adds, and a histogram's own
RENDERERS = REPOSITORY / "operator/supportplane_operator/render"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def panels(path: Path) -> list[Any]:
    return [each for each in read(path)["panels"] if each["type"] != "row"]


def queries(path: Path) -> Iterator[tuple[str, str]]:
    """Query and legend, those of the variables included."""
    for panel in panels(path):
        for target in panel["targets"]:
            yield target["expr"], target["legendFormat"]
    for variable in read(path)["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"], ""


def declared() -> dict[str, MetricWrapperBase]:
    """By the name in code: a constant of the runtime's module, an attribute of the operator's Metrics."""
    of_operator = {name: each for name, each in vars(Metrics()).items() if name != "registry"}
    found = {**vars(metrics), **of_operator}
    gauges = {name: each._counted if isinstance(each, Readiness) else each for name, each in found.items()}
    return {name: each for name, each in gauges.items() if isinstance(each, MetricWrapperBase)}


def labels_by_metric() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in declared().values():
        for family in each.describe():
            suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
            found |= {family.name + suffix: set(each._labelnames) for suffix in suffixes}
    return found


def labels_asked_for(query: str, legend: str) -> set[str]:
    matched = {name for each in re.findall(r"\{([^}]*)\}", query) for name in re.findall(r"(\w+)[!=]", each)}
    grouped = {name for each in re.findall(r"by \(([^)]*)\)", query) for name in re.split(r",\s*", each)}
    return matched | grouped | set(re.findall(r"\{\{(\w+)\}\}", legend))


@every_dashboard
def test_a_dashboard_satisfies_grafanas_schema(path: Path, shared_data: Path) -> None:
    schema = json.loads((shared_data / "contracts/grafana/dashboard.jsonschema.json").read_text())
    jsonschema.validate(read(path), schema)


@every_dashboard
def test_no_panel_asks_for_a_metric_or_a_label_that_there_is_not(path: Path) -> None:
    known = labels_by_metric()
    for query, legend in queries(path):
        names = re.findall(r"\bsupportplane_[a-z_]+", query)
        assert names
        assert [name for name in names if name not in known] == []
        assert labels_asked_for(query, legend) <= OF_TARGETS.union(*(known[name] for name in names))


def test_every_metric_of_a_dashboard_is_set_by_code() -> None:
    """Declared, and named where something happens."""
    folders = (REPOSITORY / "runtime/supportplane_runtime", REPOSITORY / "operator/supportplane_operator")
    code = "\n".join(path.read_text() for each in folders for path in each.rglob("*.py") if path.name != "metrics.py")
    asked = {
        name for path in FILES for query, _ in queries(path) for name in re.findall(r"supportplane_[a-z_]+", query)
    }
    constants = {
        constant
        for constant, each in declared().items()
        for family in each.describe()
        if any(name.startswith(family.name) for name in asked)
    }
    assert len(constants) > 30
    assert {name for name in constants if not re.search(named(name), code)} == set()


def named(name: str) -> str:
    """A constant may be imported by its name, an attribute is one of the operator's metrics."""
    return rf"\b{name}\b" if name.isupper() else rf"metrics\.{name}\b"


@every_dashboard
def test_panels_lie_beside_each_other_and_say_what_they_show(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in read(path)["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells
    ids = [panel["id"] for panel in read(path)["panels"]]
    assert len(ids) == len(set(ids))
    assert all(panel["title"] for panel in panels(path))


@every_dashboard
def test_runbooks_that_a_panel_names_are_there_and_the_link_leads_to_all_of_them(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"\bSupportplane[A-Z]\w+", text))
    assert named
    assert {name for name in named if not (RUNBOOKS / f"{name}.md").is_file()} == set()
    urls = [link["url"] for link in read(path)["links"] if link["title"] == "Runbooks"]
    assert urls == [Settings().runbooks_url]


def test_dashboards_have_places_of_their_own_and_the_operator_has_the_agents() -> None:
    uids = [read(path)["uid"] for path in FILES]
    assert len(set(uids)) == len(FILES) >= 3
    assert read(RENDERERS / "dashboard.json") == read(REPOSITORY / "dashboards/agent.json")
