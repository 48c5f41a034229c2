"""The ConfigMap with an agent's Grafana dashboard, which Grafana's sidecar loads by its label."""

import json
from dataclasses import dataclass
from typing import Any

from supportplane_crds import names
from supportplane_operator.render.meta import labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.prometheus_rule import series
from supportplane_operator.revision import digest
from supportplane_operator.snapshot import Manifest

WIDTH, HEIGHT = 12, 8  # of a panel; the grid has 24 columns
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Panel:
    """queries: (PromQL in which % stands for the agent's series, legend)."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]


_STEP_SUM, _STEP_COUNT = (
    f"sum by (step) (rate(supportplane_turn_step_seconds_{part}{{%}}[5m]))" for part in ("sum", "count")
)

PANELS = (
    Panel("Turns by outcome", "ops", (("sum by (outcome) (rate(supportplane_turns_total{%}[5m]))", "{{outcome}}"),)),
    Panel(
        "Requests by status",
        "reqps",
        (("sum by (status) (rate(supportplane_http_requests_total{%}[5m]))", "{{status}}"),),
    ),
    Panel(
        "Time to the first piece of an answer",
        "s",
        tuple(
            (
                f"histogram_quantile({share}, sum by (le) (rate(supportplane_first_token_seconds_bucket{{%}}[5m])))",
                legend,
            )
            for share, legend in (("0.5", "half"), ("0.95", "19 of 20"))
        ),
    ),
    Panel(
        "Time by step",
        "s",
        (
            (
                f"{_STEP_SUM} / {_STEP_COUNT}",
                "{{step}}",
            ),
        ),
    ),
    Panel(
        "Work in progress",
        "short",
        (
            ("sum(supportplane_turns_running{%})", "turns"),
            ("sum by (transport) (supportplane_streams_open{%})", "streams, {{transport}}"),
        ),
    ),
    Panel(
        "Thumbs up and down within a day",
        "short",
        (
            (
                "sum by (rating, revision) (increase(supportplane_feedback_total{%}[1d]))",
                "{{rating}}, revision {{revision}}",
            ),
        ),
    ),
    Panel(
        "Trouble",
        "ops",
        (
            ("sum by (reason) (rate(supportplane_model_failures_total{%}[5m]))", "model, {{reason}}"),
            (
                'sum by (outcome) (rate(supportplane_judge_calls_total{%,outcome!="answered"}[5m]))',
                "judge, {{outcome}}",
            ),
            ("sum by (reason) (rate(supportplane_store_failures_total{%}[5m]))", "database, {{reason}}"),
            ("sum(rate(supportplane_limits_local_total{%}[5m]))", "counted without Redis"),
            ("sum by (reason) (rate(supportplane_turns_refused_total{%}[5m]))", "refused, {{reason}}"),
        ),
    ),
)


def dashboard(plan: Plan) -> Manifest | None:
    if not plan.snapshot.agent.spec.observability.dashboard:
        return None
    of = {**labels(plan.name, "dashboard"), names.LABEL_DASHBOARD: "1"}
    meta = metadata(names.dashboard(plan.name), plan.namespace, of=of, owned_by=plan.snapshot.raw)
    file = f"supportplane-{plan.namespace}-{plan.name}.json"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta,
        "data": {file: json.dumps(content(plan))},
    }


def content(plan: Plan) -> dict[str, Any]:
    """The dashboard itself, as Grafana imports it."""
    return {
        "uid": f"supportplane-{digest([plan.namespace, plan.name])}",
        "title": f"Support agent {plan.namespace}/{plan.name}",
        "tags": ["supportplane"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "annotations": {"list": []},
        "panels": [_panel(index, each, plan) for index, each in enumerate(PANELS)],
    }


def _panel(index: int, panel: Panel, plan: Plan) -> dict[str, Any]:
    row, column = divmod(index, 2)
    targets = [
        {"refId": chr(ord("A") + number), "expr": query.replace("%", series(plan)), "legendFormat": legend}
        for number, (query, legend) in enumerate(panel.queries)
    ]
    return {
        "id": index + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }
