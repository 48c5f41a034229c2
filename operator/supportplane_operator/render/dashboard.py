"""The ConfigMap with an agent's Grafana dashboard, which Grafana's sidecar loads by its label.

The dashboard is dashboards/agent.json, of which ``dashboard.json`` beside this module is the copy that
`scripts/sync-chart` writes. There two variables choose the agent; here its namespace and name stand in their place.
"""

import json
from importlib import resources
from typing import Any

from supportplane_crds import names
from supportplane_operator.render.meta import labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.revision import digest
from supportplane_operator.snapshot import Manifest

_RUNBOOKS = "Runbooks"  # the title of the link to them


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
    text = (resources.files("supportplane_operator.render") / "dashboard.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    for panel in found["panels"]:
        for target in panel.get("targets", ()):
            target["expr"] = _of_agent(target["expr"], plan)
    for link in found["links"]:
        if link["title"] == _RUNBOOKS:
            link["url"] = plan.settings.runbooks_url
    variables = [each for each in found["templating"]["list"] if each["name"] not in {"namespace", "agent"}]
    return found | {
        "uid": f"supportplane-{digest([plan.namespace, plan.name])}",
        "title": f"Support agent {plan.namespace}/{plan.name}",
        "templating": {"list": variables},
    }


def _of_agent(query: str, plan: Plan) -> str:
    return query.replace("$namespace", plan.namespace).replace("$agent", plan.name)
