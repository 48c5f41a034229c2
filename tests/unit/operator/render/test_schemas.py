"""Rendered objects of other people's kinds, against those people's schemas."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from prometheus_client import REGISTRY

from support.operator.samples import ALL_APIS, SETTINGS, snapshot
from support.repository import REPOSITORY
from supportplane_crds.roles import ROLES
from supportplane_operator.render import dashboard, prometheus_rule, render
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest
from supportplane_runtime import metrics

SCALED = {"autoscaling": {"provider": "KEDA", "maxReplicas": 9}}
DATABASE = {"persistence": {"database": {"secretRef": None, "cloudNativePG": {"storageClassName": "fast"}}}}
ROUTE = {"parentRefs": [{"name": "public", "namespace": "edge", "sectionName": "https"}], "hostnames": ["a.example"]}
INGRESS = {
    "ingress": {"className": "x", "tlsSecretRef": {"name": "t"}, "clusterIssuer": "i"},
    "hostnames": ["a.example"],
}
SPECS: dict[str, dict[str, Any]] = {
    "keda.sh/v1alpha1/ScaledObject": {"scaling": SCALED},
    "postgresql.cnpg.io/v1/Cluster": DATABASE,
    "gateway.networking.k8s.io/v1/HTTPRoute": {"gateway": ROUTE},
    "cert-manager.io/v1/Certificate": {"gateway": INGRESS},
    "monitoring.coreos.com/v1/ServiceMonitor": {},
    "monitoring.coreos.com/v1/PrometheusRule": {},
}


def rendered(kind: str, spec: dict[str, Any]) -> list[Manifest]:
    return [each for each in render(Plan(snapshot(spec, apis=ALL_APIS), SETTINGS)) if each["kind"] == kind]


def test_every_optional_kind_is_held_to_its_schema_here() -> None:
    assert set(SPECS) == set(ALL_APIS)


@pytest.mark.parametrize("api", SPECS)
def test_an_optional_kind_satisfies_the_schema_of_its_makers(api: str, shared_data: Path) -> None:
    group, version, kind = api.split("/")
    schema = json.loads((shared_data / f"contracts/crd_schemas/{group}/{kind.lower()}_{version}.json").read_text())
    manifests = rendered(kind, SPECS[api])
    assert manifests
    for each in manifests:
        jsonschema.Draft7Validator(schema).validate(each)  # a pattern of theirs is none to Python


def test_the_dashboard_satisfies_grafanas_schema(shared_data: Path) -> None:
    schema = json.loads((shared_data / "contracts/grafana/dashboard.jsonschema.json").read_text())
    jsonschema.validate(dashboard.content(Plan(snapshot(), SETTINGS)), schema)


def queries() -> list[str]:
    """Of the alerts."""
    (rule,) = rendered("PrometheusRule", {})
    return [each["expr"] for group in rule["spec"]["groups"] for each in group["rules"]]


def test_alerts_ask_for_metrics_that_the_runtime_has_and_for_the_agents_own_only() -> None:
    assert metrics
    known = {family.name for family in REGISTRY.collect()}
    services = "|".join(each.object_name("helpdesk") for each in ROLES)
    for query in queries():
        for name, selector in re.findall(r"(supportplane_[a-z_]+)\{([^}]*)\}", query):
            assert re.sub("_(total|bucket|sum|count)$", "", name) in known
            assert f'namespace="acme",service=~"{services}"' in selector
        assert "$" not in query


def test_every_panel_of_an_agents_dashboard_asks_for_the_series_of_its_roles_only() -> None:
    content = dashboard.content(Plan(snapshot(), SETTINGS))
    roles = "|".join(each.name for each in ROLES)
    for query in (target["expr"] for panel in content["panels"] for target in panel.get("targets", ())):
        selectors = re.findall(r"supportplane_[a-z_]+(?:\{([^}]*)\})?", query)
        assert selectors
        assert all(each.startswith(f'namespace="acme",service=~"helpdesk-({roles})"') for each in selectors)
    assert [each["name"] for each in content["templating"]["list"]] == ["datasource"]
    assert "$namespace" not in json.dumps(content)


def test_an_agents_dashboard_has_its_own_place_in_grafana_and_leads_to_your_runbooks() -> None:
    elsewhere = SETTINGS.model_copy(update={"runbooks_url": "https://wiki.example/runbooks"})
    content = dashboard.content(Plan(snapshot(), elsewhere))
    assert content["uid"] != "supportplane-agent"
    assert content["title"] == "Support agent acme/helpdesk"
    assert {"title": "Runbooks", "url": "https://wiki.example/runbooks"}.items() <= content["links"][0].items()


def test_every_alert_names_its_agent_and_leads_to_its_runbook() -> None:
    page = (REPOSITORY / "docs/operations/alerts.md").read_text(encoding="utf-8")
    (rule,) = rendered("PrometheusRule", {})
    alerts = [each for group in rule["spec"]["groups"] for each in group["rules"]]
    for each in alerts:
        # Without these, what happens to agents of one name in two namespaces would be one alert to the Alertmanager.
        assert {"namespace": "acme", "agent": "helpdesk"}.items() <= each["labels"].items()
        assert each["annotations"]["summary"].startswith("acme/helpdesk: ")
        base, _, runbook = each["annotations"]["runbook_url"].rpartition("/")
        assert base == SETTINGS.runbooks_url
        assert (REPOSITORY / "runbooks" / runbook).is_file()
        assert page.count(f"`{each['alert']}` fires when") == 1
    assert page.count("\n## ") == len(alerts)


def test_runbooks_may_be_somewhere_else() -> None:
    elsewhere = SETTINGS.model_copy(update={"runbooks_url": "https://wiki.example/runbooks"})
    rule = prometheus_rule.prometheus_rule(Plan(snapshot(apis=ALL_APIS), elsewhere))
    assert rule is not None
    urls = {each["alert"]: each["annotations"]["runbook_url"] for each in rule["spec"]["groups"][0]["rules"]}
    assert urls["SupportplaneCacheAway"] == "https://wiki.example/runbooks/SupportplaneCacheAway.md"


def test_a_series_whose_increase_makes_an_alert_is_there_before_its_first_event() -> None:
    """What appears with its first event has no increase by it. Another process: here, other tests count."""
    program = "import supportplane_runtime.metrics, prometheus_client as p; print(p.generate_latest().decode())"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    named = {
        (name, label)
        for query in queries()
        for name, label in re.findall(
            r'(supportplane_[a-z_]+_total)\{[^}]*?,((?:outcome|result|reason)="[^"]*")', query
        )
    }
    assert ("supportplane_audit_entries_total", 'result="dropped"') in named
    assert [f"{name}{{{label}}} 0.0" for name, label in named if f"{name}{{{label}}} 0.0" not in shown] == []
