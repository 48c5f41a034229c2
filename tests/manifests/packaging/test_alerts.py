"""Alerts and dashboard by Prometheus' own promtool: what it says of them, and when the alerts fire."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from manifests.packaging.commands import WITH_MONITORING, Commands, only
from manifests.packaging.conftest import skip_without
from support.operator import alert_files
from support.operator.samples import ALL_APIS, SETTINGS, snapshot
from support.repository import REPOSITORY
from supportplane_operator.render import dashboard, render
from supportplane_operator.render.plan import Plan

Rule = dict[str, Any]
GATEWAY = 'namespace="acme",service="helpdesk-gateway",pod="g"'
ORCHESTRATOR = 'namespace="acme",service="helpdesk-orchestrator",pod="o"'
ANOTHER = 'namespace="acme",service="another-gateway",pod="a"'
OPERATOR = 'namespace="supportplane-system",job="supportplane-operator-metrics"'


@dataclass(frozen=True, slots=True)
class Case:
    """What an alert does after 40 minutes. series: values a minute apart, in promtool's notation."""

    alert: str
    series: dict[str, str]
    labels: dict[str, str] | None


def fires(alert: str, series: dict[str, str], **labels: str) -> Case:
    """labels: those that the expression gives the alert, besides those of its rule."""
    return Case(alert, series, labels)


def stays_silent(alert: str, series: dict[str, str]) -> Case:
    return Case(alert, series, None)


def turns(**outcomes: str) -> dict[str, str]:
    return {f'supportplane_turns_total{{{ORCHESTRATOR},outcome="{name}"}}': each for name, each in outcomes.items()}


def replies(labels: str, **classes: str) -> dict[str, str]:
    return {
        f'supportplane_http_requests_total{{{labels},status="{name.strip("_")}"}}': each
        for name, each in classes.items()
    }


def first_tokens(within_5_s: str, every: str) -> dict[str, str]:
    counted = {"5": within_5_s, "15": every, "+Inf": every}
    name = "supportplane_first_token_seconds_bucket"
    return {f'{name}{{{GATEWAY},le="{bound}"}}': each for bound, each in counted.items()}


def one(name: str, labels: str, values: str) -> dict[str, str]:
    return {f"{name}{{{labels}}}": values}


def of_knowledge(what: str, values: str) -> dict[str, str]:
    return one(f"supportplane_knowledge_{what}", f'{ORCHESTRATOR},knowledge_base="guide"', values)


def connections(**counts: str) -> dict[str, str]:
    """By metric and reason, such as cut_evicted."""
    named = ((name.partition("_"), values) for name, values in counts.items())
    return {
        f'supportplane_connections_{metric}_total{{{GATEWAY},reason="{reason}"}}': values
        for (metric, _, reason), values in named
    }


def objects(kind: str, ready: str, reason: str, values: str) -> dict[str, str]:
    labels = f'{OPERATOR},kind="{kind}",ready="{ready}",reason="{reason}"'
    return one("supportplane_operator_objects", labels, values)


def reconciles(values: str) -> dict[str, str]:
    return one("supportplane_operator_reconciles_total", f'{OPERATOR},kind="SupportAgent",result="crashed"', values)


def thumbs(labels: str, **ratings: str) -> dict[str, str]:
    """Of two revisions, half each: r2's as many as r1's."""
    return {
        f'supportplane_feedback_total{{{labels},agent="helpdesk",revision="{revision}",rating="{rating}"}}': each
        for rating, each in ratings.items()
        for revision in ("r1", "r2")
    }


OF_AGENTS = {
    "no gateway was ever found": fires("SupportplaneGatewayAway", {}),
    "gateways do not answer": fires("SupportplaneGatewayAway", one("up", GATEWAY, "0x60")),
    "only orchestrators and another agent's gateway answer": fires(
        "SupportplaneGatewayAway", {**one("up", ORCHESTRATOR, "1x60"), **one("up", ANOTHER, "1x60")}
    ),
    "one of two gateways answers": stays_silent(
        "SupportplaneGatewayAway", {**one("up", GATEWAY, "0x60"), **one("up", GATEWAY.replace('"g"', '"h"'), "1x60")}
    ),
    "one question in ten fails": fires("SupportplaneTurnsFailing", turns(failed="0+1x60", answered="0+9x60")),
    "one in ten failed for a moment": stays_silent(
        "SupportplaneTurnsFailing", turns(failed="0x30 1 1x30", answered="0+9x60")
    ),
    "one question in a hundred fails": stays_silent(
        "SupportplaneTurnsFailing", turns(failed="0+1x60", answered="0+99x60")
    ),
    "nobody asks": stays_silent("SupportplaneTurnsFailing", turns(failed="7x60", answered="99x60")),
    "errors of ours": fires("SupportplaneGatewayErrors", replies(GATEWAY, _5xx="0+1x60", _2xx="0+9x60")),
    "errors of clients": stays_silent("SupportplaneGatewayErrors", replies(GATEWAY, _4xx="0+9x60", _2xx="0+1x60")),
    "errors of another agent": stays_silent("SupportplaneGatewayErrors", replies(ANOTHER, _5xx="0+9x60")),
    "one in ten waits": fires("SupportplaneSlowAnswers", first_tokens("0+9x60", "0+10x60")),
    "one in a hundred waits": stays_silent("SupportplaneSlowAnswers", first_tokens("0+99x60", "0+100x60")),
    "a model fails": fires(
        "SupportplaneModelFailing",
        one("supportplane_model_failures_total", f'{ORCHESTRATOR},reason="connect"', "0+12x60"),
    ),
    "a model fails now and then": stays_silent(
        "SupportplaneModelFailing", one("supportplane_model_failures_total", f'{ORCHESTRATOR},reason="cut"', "0+3x60")
    ),
    "a judge gives no verdicts": fires(
        "SupportplaneJudgeSilent",
        one("supportplane_judge_calls_total", f'{ORCHESTRATOR},outcome="malformed"', "0+12x60"),
    ),
    "a judge that answers": stays_silent(
        "SupportplaneJudgeSilent",
        one("supportplane_judge_calls_total", f'{ORCHESTRATOR},outcome="answered"', "0+120x60"),
    ),
    "too many questions": fires(
        "SupportplaneTurnsRefused", one("supportplane_turns_refused_total", f'{GATEWAY},reason="overloaded"', "0+12x60")
    ),
    "a gateway that stops refuses some": stays_silent(
        "SupportplaneTurnsRefused",
        one("supportplane_turns_refused_total", f'{GATEWAY},reason="draining"', "0x38 20 20"),
    ),
    "connections are refused": fires(
        "SupportplaneConnectionsFull", connections(refused_process="0+120x60", cut_evicted="0x60")
    ),
    "waiting connections are closed for new ones": fires(
        "SupportplaneConnectionsFull", connections(refused_process="0x60", cut_evicted="0+120x60")
    ),
    "one address has too many connections": stays_silent(
        "SupportplaneConnectionsFull",
        connections(refused_process="0x60", refused_address="0+900x60", cut_evicted="0x60", cut_silent="0+900x60"),
    ),
    "Redis is away": fires("SupportplaneCacheAway", one("supportplane_limits_local_total", GATEWAY, "0+1x60")),
    "Redis was away": stays_silent("SupportplaneCacheAway", one("supportplane_limits_local_total", GATEWAY, "9x60")),
    "a database is away": fires(
        "SupportplaneDatabaseFailing",
        one("supportplane_store_failures_total", f'{GATEWAY},reason="no-connection"', "0+12x60"),
    ),
    "a connection broke": stays_silent(
        "SupportplaneDatabaseFailing",
        one("supportplane_store_failures_total", f'{GATEWAY},reason="connection-lost"', "0x37 1 2 2"),
    ),
    "a file cannot be read": fires(
        "SupportplaneDocumentsSkipped", of_knowledge("skipped_documents", "0x20 2x40"), knowledge_base="guide"
    ),
    "a file could not be read for a moment": stays_silent(
        "SupportplaneDocumentsSkipped", of_knowledge("skipped_documents", "0x20 2x10 0x30")
    ),
    "every file is read": stays_silent("SupportplaneDocumentsSkipped", of_knowledge("skipped_documents", "0x60")),
    "a knowledge base cannot be read": fires(
        "SupportplaneKnowledgeNotRefreshed", of_knowledge("not_refreshed", "0x20 1x40"), knowledge_base="guide"
    ),
    "the next reading was good": stays_silent(
        "SupportplaneKnowledgeNotRefreshed", of_knowledge("not_refreshed", "1x30 0x30")
    ),
    "a first entry is lost": fires(
        "SupportplaneAuditIncomplete",
        one("supportplane_audit_entries_total", f'{GATEWAY},result="dropped"', "0x35 1x30"),
    ),
    "somebody guesses keys": fires(
        "SupportplaneRefusedCalls",
        one("supportplane_audit_entries_total", f'{GATEWAY},result="summed"', "0+720x60"),
    ),
    "a program has a wrong key": stays_silent(
        "SupportplaneRefusedCalls",
        one("supportplane_audit_entries_total", f'{GATEWAY},result="summed"', "0+540x60"),
    ),
    "entries are written": stays_silent(
        "SupportplaneAuditIncomplete", one("supportplane_audit_entries_total", f'{GATEWAY},result="written"', "0+9x60")
    ),
    "half of many ratings are thumbs down": fires(
        "SupportplaneAnswersDisliked", thumbs(GATEWAY, down="0+2x60", up="0+2x60")
    ),
    "half of few ratings are thumbs down": stays_silent(
        "SupportplaneAnswersDisliked", thumbs(GATEWAY, down="0x5 1 2 3 3x60", up="0x5 1 2 3 3x60")
    ),
    "one rating in four is a thumb down": stays_silent(
        "SupportplaneAnswersDisliked", thumbs(GATEWAY, down="0+2x60", up="0+6x60")
    ),
    "another agent is disliked": stays_silent("SupportplaneAnswersDisliked", thumbs(ANOTHER, down="0+2x60")),
    "nobody has rated yet": stays_silent("SupportplaneAnswersDisliked", thumbs(GATEWAY, down="0x60", up="0x60")),
}
OF_THE_OPERATOR = {
    "no operator": fires("SupportplaneOperatorHasNoLeader", {}),
    "replicas without a leader": fires(
        "SupportplaneOperatorHasNoLeader", one("supportplane_operator_is_leader", OPERATOR, "0x60")
    ),
    "a leader": stays_silent(
        "SupportplaneOperatorHasNoLeader",
        {
            **one("supportplane_operator_is_leader", f'{OPERATOR},pod="a"', "0x60"),
            **one("supportplane_operator_is_leader", f'{OPERATOR},pod="b"', "1x60"),
        },
    ),
    "an agent is not Ready": fires(
        "SupportplaneAgentsNotReady",
        objects("SupportAgent", "False", "DatabaseUnreachable", "0x10 1x50"),
        reason="DatabaseUnreachable",
    ),
    "an agent that nobody can ask": fires(
        "SupportplaneAgentsNotReady",
        objects("SupportAgent", "Unknown", "StatusUnreadable", "1x60"),
        reason="StatusUnreadable",
    ),
    "an agent was not Ready for a moment": stays_silent(
        "SupportplaneAgentsNotReady", objects("SupportAgent", "False", "PodsUnavailable", "1x30 0x30")
    ),
    "other agents are": stays_silent("SupportplaneAgentsNotReady", objects("SupportAgent", "True", "Serving", "9x60")),
    "an agent is switched off": stays_silent(
        "SupportplaneAgentsNotReady", objects("SupportAgent", "False", "ScaledToZero", "1x60")
    ),
    "a model server that no agent may need": stays_silent(
        "SupportplaneAgentsNotReady", objects("ModelEndpoint", "False", "ModelUnreachable", "1x60")
    ),
    "crashes again and again": fires("SupportplaneOperatorReconcilesCrash", reconciles("0+1x60")),
    "crashed before": stays_silent("SupportplaneOperatorReconcilesCrash", reconciles("3x60")),
    "a long queue": fires(
        "SupportplaneOperatorFallsBehind", one("supportplane_operator_queue_depth", OPERATOR, "200x60")
    ),
    "a queue that was worked off once": stays_silent(
        "SupportplaneOperatorFallsBehind", one("supportplane_operator_queue_depth", OPERATOR, "200x34 3 200x30")
    ),
}


@pytest.fixture(scope="session")
def prometheus(tools: Commands) -> Commands:
    skip_without("promtool")
    return tools


def agents_groups(**spec: Any) -> list[Rule]:
    made = render(Plan(snapshot(spec, apis=ALL_APIS), SETTINGS))
    groups: list[Rule] = only(made, "PrometheusRule")["spec"]["groups"]
    return groups


def operators_groups(tools: Commands) -> list[Rule]:
    groups: list[Rule] = only(tools.rendered(*WITH_MONITORING), "PrometheusRule")["spec"]["groups"]
    return groups


def told(rule: Rule, labels: dict[str, str]) -> dict[str, Any]:
    summary = rule["annotations"]["summary"]
    for name, value in labels.items():
        summary = summary.replace(f"{{{{ $labels.{name} }}}}", value)
    return {
        "exp_labels": {**rule["labels"], **labels},
        "exp_annotations": {**rule["annotations"], "summary": summary},
    }


def try_out(prometheus: Commands, groups: list[Rule], case: Case) -> None:
    """Raises Refused with promtool's comparison where the alert does otherwise than the case says."""
    expected = [] if case.labels is None else [told(rule_of(case.alert, groups), case.labels)]
    run(prometheus, groups, [tried(case.series, (case.alert, "40m", expected))])


def both_edges(path: Path, groups: list[Rule]) -> Rule:
    case = alert_files.edges(path)
    fires = [told(rule_of(case.alert, groups), case.labels)]
    return tried(case.series, (case.alert, case.silent, []), (case.alert, case.fires, fires))


def rule_of(alert: str, groups: list[Rule]) -> Rule:
    (rule,) = (each for group in groups for each in group["rules"] if each["alert"] == alert)
    return dict(rule)


def tried(series: dict[str, str], *expected: tuple[str, str, list[Rule]]) -> Rule:
    """expected: alert, time, and what it is then."""
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": time, "alertname": alert, "exp_alerts": alerts} for alert, time, alerts in expected
        ],
    }


def run(prometheus: Commands, groups: list[Rule], tests: list[Rule]) -> None:
    """Raises Refused with promtool's comparison."""
    folder = prometheus.folder
    (folder / "rules.yaml").write_text(json.dumps({"groups": groups}))
    (folder / "test.yaml").write_text(
        json.dumps({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests})
    )
    prometheus.promtool("test", "rules", str(folder / "test.yaml"))


@pytest.mark.parametrize("case", OF_AGENTS.values(), ids=OF_AGENTS)
def test_an_alert_of_an_agent_fires_when_it_should(prometheus: Commands, case: Case) -> None:
    try_out(prometheus, agents_groups(), case)


@pytest.mark.parametrize("case", OF_THE_OPERATOR.values(), ids=OF_THE_OPERATOR)
def test_an_alert_of_the_operator_fires_when_it_should(prometheus: Commands, case: Case) -> None:
    try_out(prometheus, operators_groups(prometheus), case)


def test_an_alert_is_silent_just_before_its_edge_and_fires_just_after(prometheus: Commands) -> None:
    """One promtool for all: each alert meets its own series only, beginning anew for each."""
    groups = {"agent": agents_groups(), "operator": operators_groups(prometheus)}
    tests = [both_edges(path, groups[whose]) for whose in alert_files.WHOSE for path in alert_files.files(whose)]
    run(prometheus, [*groups["agent"], *groups["operator"]], tests)


@pytest.mark.parametrize("whose", ["agent", "operator"])
def test_every_alert_is_tried_and_promtool_finds_nothing_wrong(prometheus: Commands, whose: str) -> None:
    groups = agents_groups() if whose == "agent" else operators_groups(prometheus)
    cases = OF_AGENTS if whose == "agent" else OF_THE_OPERATOR
    names = {each["alert"] for group in groups for each in group["rules"]}
    assert {case.alert for case in cases.values() if case.labels is not None} == names
    assert {case.alert for case in cases.values() if case.labels is None} == names
    path = prometheus.folder / "checked.yaml"
    path.write_text(json.dumps({"groups": groups}))
    assert "SUCCESS" in prometheus.promtool("check", "rules", "--lint=all", "--lint-fatal", str(path))


def test_promtool_understands_every_query_of_the_dashboards(prometheus: Commands) -> None:
    of_agent = dashboard.content(Plan(snapshot(), SETTINGS))
    shown = [of_agent, *(json.loads(path.read_text()) for path in (REPOSITORY / "dashboards").glob("*.json"))]
    panels = [panel for each in shown for panel in each["panels"]]
    queries = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
    path = prometheus.folder / "dashboard.yaml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"SUCCESS: {len(queries)} rules found" in prometheus.promtool("check", "rules", str(path))


@pytest.mark.parametrize("spec", [{"scaling": {"replicas": 0}}, {"observability": {"serviceMonitor": False}}])
def test_nobody_is_woken_for_a_gateway_that_is_not_wanted_or_not_scraped(spec: dict[str, Any]) -> None:
    names = {each["alert"] for group in agents_groups(**spec) for each in group["rules"]}
    assert "SupportplaneGatewayAway" not in names
    assert "SupportplaneTurnsFailing" in names
