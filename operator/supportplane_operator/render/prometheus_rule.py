"""The PrometheusRule with an agent's alerts, all on metrics that its own pods report.

The thresholds are guesses until a production has taught us better. Each alert says in a sentence what customers feel,
and leads to the heading of docs/operations/alerts.md that says what to type.
"""

from dataclasses import dataclass

from supportplane_crds import names
from supportplane_crds.roles import ROLES
from supportplane_operator import snapshot as seen
from supportplane_operator.render.meta import labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest


@dataclass(frozen=True, slots=True)
class Alert:
    """expression: PromQL in which % stands for the selector of the agent's series. hold: time it must be true.

    of_absence: it fires on series that are not there, so it is written only where they should be.
    """

    name: str
    expression: str
    hold: str
    severity: str  # critical wakes someone, warning does not
    summary: str
    runbook: str  # a heading
    of_absence: bool = False


RUNBOOKS = "https://github.com/supportplane/supportplane/blob/main/docs/operations/alerts.md"
# A day, because customers rate rarely: one answer in twenty is already much.
_THUMBS, _THUMBS_DOWN = (
    f"sum(increase(supportplane_feedback_total{{%{rating}}}[1d]))" for rating in ("", ',rating="down"')
)
ALERTS = (
    Alert(
        "SupportplaneGatewayAway",
        'absent(up{%,service=~".+-gateway"} == 1)',
        "5m",
        "critical",
        "Prometheus reaches no gateway; most likely no customer reaches one either.",
        "No gateway of an agent can be reached",
        of_absence=True,
    ),
    Alert(
        "SupportplaneTurnsFailing",
        'sum(rate(supportplane_turns_total{%,outcome="failed"}[5m]))'
        " / sum(rate(supportplane_turns_total{%}[5m])) > 0.05",
        "10m",
        "critical",
        "More than 5 % of the questions end without an answer.",
        "Questions to an agent end without an answer",
    ),
    Alert(
        "SupportplaneGatewayErrors",
        'sum(rate(supportplane_http_requests_total{%,status="5xx"}[5m]))'
        " / sum(rate(supportplane_http_requests_total{%}[5m])) > 0.05",
        "10m",
        "critical",
        "More than 5 % of the requests are answered with an error of ours.",
        "An agent answers requests with errors",
    ),
    Alert(
        "SupportplaneSlowAnswers",
        "histogram_quantile(0.95, sum by (le) (rate(supportplane_first_token_seconds_bucket{%}[10m]))) > 5",
        "15m",
        "warning",
        "One question in twenty waits longer than 5 s for the first piece of its answer.",
        "Answers of an agent are slow",
    ),
    Alert(
        "SupportplaneModelFailing",
        "sum(rate(supportplane_model_failures_total{%}[10m])) > 0.1",
        "10m",
        "warning",
        "The model fails; answers are quoted from the documents instead.",
        "The model of an agent fails",
    ),
    Alert(
        "SupportplaneJudgeSilent",
        'sum(rate(supportplane_judge_calls_total{%,outcome!="answered"}[10m])) > 0.1',
        "10m",
        "warning",
        "The judge of meaning gives no verdicts; answers hold quotations and near quotations only.",
        "The judge of an agent gives no verdicts",
    ),
    Alert(
        "SupportplaneTurnsRefused",
        "sum(rate(supportplane_turns_refused_total{%}[5m])) > 0.1",
        "10m",
        "warning",
        "Questions are refused because too many are being worked on.",
        "An agent refuses questions",
    ),
    Alert(
        "SupportplaneConnectionsFull",
        'sum(rate(supportplane_connections_refused_total{%,reason="process"}[5m]))'
        ' + sum(rate(supportplane_connections_cut_total{%,reason="evicted"}[5m])) > 1',
        "10m",
        "warning",
        "All connections of a gateway are taken; waiting ones are closed for new ones, or new ones are refused.",
        "The connections of an agent are all taken",
    ),
    Alert(
        "SupportplaneCacheAway",
        "sum(increase(supportplane_limits_local_total{%}[10m])) > 0",
        "10m",
        "warning",
        "Redis does not answer; every gateway counts requests for itself.",
        "Redis of an agent does not answer",
    ),
    Alert(
        "SupportplaneDatabaseFailing",
        "sum(rate(supportplane_store_failures_total{%}[5m])) > 0.1",
        "5m",
        "critical",
        "Statements do not reach the database; questions cannot be answered.",
        "The database of an agent does not answer",
    ),
    Alert(
        "SupportplaneDocumentsSkipped",
        "max by (knowledge_base) (supportplane_knowledge_skipped_documents{%}) > 0",
        "15m",
        "warning",
        "Files of a knowledge base are left out, so nothing is answered from them.",
        "Documents of an agent are left out",
    ),
    Alert(
        "SupportplaneKnowledgeNotRefreshed",
        "max by (knowledge_base) (supportplane_knowledge_not_refreshed{%}) > 0",
        "15m",
        "warning",
        "A knowledge base cannot be read; answers come from what was read before.",
        "Documents of an agent cannot be refreshed",
    ),
    Alert(
        "SupportplaneAuditIncomplete",
        'sum(increase(supportplane_audit_entries_total{%,result="dropped"}[15m])) > 0',
        "0m",
        "warning",
        "Calls of the API are missing from the audit log.",
        "The audit log of an agent is incomplete",
    ),
    Alert(
        "SupportplaneRefusedCalls",
        'sum(rate(supportplane_audit_entries_total{%,result="summed"}[5m])) > 10',
        "10m",
        "warning",
        "More than 10 calls a second are refused for who sends them, or for a limit.",
        "An agent refuses many calls",
    ),
    Alert(
        "SupportplaneAnswersDisliked",
        f"{_THUMBS_DOWN} / {_THUMBS} > 0.4 and {_THUMBS} >= 20",
        "30m",
        "warning",
        "More than 40 % of at least 20 ratings within a day are thumbs down.",
        "Customers do not like the answers of an agent",
    ),
)


def prometheus_rule(plan: Plan) -> Manifest | None:
    if not plan.snapshot.agent.spec.observability.alerts or not plan.snapshot.has(seen.PROMETHEUS_RULE):
        return None
    of = labels(plan.name, "alerts")
    meta = metadata(names.alerts(plan.name), plan.namespace, of=of, owned_by=plan.snapshot.raw)
    rules = [_rule(each, plan) for each in ALERTS if _is_scraped(plan) or not each.of_absence]
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
    """Whether Prometheus should always find pods: it is told of them, and they are never scaled to nothing."""
    return plan.snapshot.agent.spec.observability.service_monitor and plan.least_replicas > 0


def _rule(alert: Alert, plan: Plan) -> Manifest:
    return {
        "alert": alert.name,
        "expr": alert.expression.replace("%", series(plan)),
        "for": alert.hold,
        "labels": {"severity": alert.severity, "namespace": plan.namespace, "agent": plan.name},
        "annotations": {
            "summary": f"{plan.namespace}/{plan.name}: {alert.summary}",
            "runbook_url": f"{RUNBOOKS}#{alert.runbook.lower().replace(' ', '-')}",
        },
    }
