"""The PrometheusRule with an agent's alerts: the files in alerts/agent, with the agent's series and name filled in.

``alerts.json`` beside this module is their copy, which `scripts/sync-chart` writes. Thresholds, words and severities
stand in the files alone. An alert leads to <its name>.md below the address of runbooks in the operator's settings.
"""

import json
from functools import cache
from importlib import resources
from typing import Any

from supportplane_crds import names
from supportplane_crds.roles import ROLES
from supportplane_operator import snapshot as seen
from supportplane_operator.render.meta import labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest

SERIES = "$series"  # in an expression: the selector of the agent's series
_OF_ABSENCE = "absent("


@cache
def alerts() -> tuple[Any, ...]:
    """As the files have them: alert, expr with $series, for, labels.severity, annotations.summary."""
    text = (resources.files("supportplane_operator.render") / "alerts.json").read_text(encoding="utf-8")
    return tuple(json.loads(text))


def prometheus_rule(plan: Plan) -> Manifest | None:
    if not plan.snapshot.agent.spec.observability.alerts or not plan.snapshot.has(seen.PROMETHEUS_RULE):
        return None
    of = labels(plan.name, "alerts")
    meta = metadata(names.alerts(plan.name), plan.namespace, of=of, owned_by=plan.snapshot.raw)
    rules = [_rule(each, plan) for each in alerts() if _is_scraped(plan) or _OF_ABSENCE not in each["expr"]]
    groups = [{"name": f"supportplane-{plan.name}", "rules": rules}]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": meta,
        "spec": {"groups": groups},
    }


def series(plan: Plan) -> str:
    """Selects the agent's own series: those of its roles' Services."""
    services = "|".join(each.object_name(plan.name) for each in ROLES)
    return f'namespace="{plan.namespace}",service=~"{services}"'


def _is_scraped(plan: Plan) -> bool:
    """Whether Prometheus should always find pods: it is told of them, and they are never scaled to nothing. Where it is
    not, an alert on series that are absent would fire for ever.
    """
    return plan.snapshot.agent.spec.observability.service_monitor and plan.least_replicas > 0


def _rule(alert: Any, plan: Plan) -> Manifest:
    name, summary = alert["alert"], alert["annotations"]["summary"]
    return {
        **alert,
        "expr": alert["expr"].replace(SERIES, series(plan)),
        # Without these, what happens to agents of one name in two namespaces would be one alert to the Alertmanager.
        "labels": {**alert["labels"], "namespace": plan.namespace, "agent": plan.name},
        "annotations": {
            **alert["annotations"],
            "summary": f"{plan.namespace}/{plan.name}: {summary}",
            "runbook_url": f"{plan.settings.runbooks_url}/{name}.md",
        },
    }
