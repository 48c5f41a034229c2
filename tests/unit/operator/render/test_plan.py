import json
from dataclasses import replace
from typing import Any

import pytest

from support.operator.samples import SETTINGS, applied, by_name, live, ready, snapshot
from supportplane_operator.render import render
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.rollout import serving
from supportplane_operator.snapshot import Manifest, Snapshot

CHANGE = {"template": {"instructions": {"inline": "Be brief."}}}
OLD = Plan(snapshot(), SETTINGS).revision
NEW = Plan(snapshot(CHANGE), SETTINGS).revision


def changed(status: Manifest | None, **more: Any) -> Snapshot:
    """An agent that served, was changed, and whose new orchestrator has come this far."""
    served = applied(snapshot(), status={f"helpdesk-orchestrator-{OLD}": ready()})
    wanted = replace(snapshot({**CHANGE, **more}), children=served.children)
    if status is None:
        return wanted
    fresh = by_name(render(Plan(wanted, SETTINGS)), "Deployment")[f"helpdesk-orchestrator-{NEW}"]
    children = {**served.children, ("Deployment", fresh["metadata"]["name"]): live(fresh, status)}
    return replace(wanted, children=children)


@pytest.mark.parametrize(
    ("status", "serving"),
    [
        (None, OLD),
        ({}, OLD),
        (ready(0), OLD),
        (ready(1), OLD),
        ({**ready(2), "observedGeneration": 0}, OLD),
        (ready(2), NEW),
    ],
)
def test_a_new_revision_serves_once_all_its_pods_are_available(status: Manifest | None, serving: str) -> None:
    found = changed(status)
    manifests = render(Plan(found, SETTINGS))
    service = by_name(manifests, "Service")["helpdesk-orchestrator"]
    assert service["spec"]["selector"]["supportplane.io/revision"] == serving
    deployments = {name for name in by_name(manifests, "Deployment") if "orchestrator" in name}
    assert deployments == {f"helpdesk-orchestrator-{each}" for each in {serving, NEW}}
    configs = {name for name in by_name(manifests, "ConfigMap") if "-config-" in name}
    assert configs == {f"helpdesk-config-{each}" for each in {serving, NEW}}


def test_the_running_deployment_is_left_as_it_is_until_then() -> None:
    found = changed(ready(0))
    running = found.children["Deployment", f"helpdesk-orchestrator-{OLD}"]
    rendered = by_name(render(Plan(found, SETTINGS)), "Deployment")[f"helpdesk-orchestrator-{OLD}"]
    assert rendered["spec"] == running["spec"]
    assert set(rendered["metadata"]) == {"name", "namespace", "labels", "ownerReferences", "annotations"}


def test_who_meddles_with_the_running_deployment_meanwhile_is_undone() -> None:
    found = changed(ready(0))
    key = ("Deployment", f"helpdesk-orchestrator-{OLD}")
    made = found.children[key]
    meddled = json.loads(json.dumps(made))
    meddled["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/other:2"
    rendered = by_name(render(Plan(replace(found, children={**found.children, key: meddled}), SETTINGS)), "Deployment")[
        key[1]
    ]
    assert rendered["spec"] == made["spec"]
    del meddled["metadata"]["annotations"]
    left = by_name(render(Plan(replace(found, children={**found.children, key: meddled}), SETTINGS)), "Deployment")[
        key[1]
    ]
    assert left["spec"] == meddled["spec"]


def test_a_running_revision_whose_deployment_is_gone_is_not_waited_for() -> None:
    found = changed(ready(0))
    children = {key: each for key, each in found.children.items() if key[1] != f"helpdesk-orchestrator-{OLD}"}
    assert serving(Plan(replace(found, children=children), SETTINGS)) == NEW


def test_while_another_revision_serves_the_autoscaler_gives_the_new_one_as_many_pods() -> None:
    found = changed(ready(2), scaling={"autoscaling": {"minReplicas": 2, "maxReplicas": 9}})
    running = found.children["Deployment", f"helpdesk-orchestrator-{OLD}"]
    busy = {**running, "spec": {**running["spec"], "replicas": 7}}
    waiting = by_name(render(Plan(found, SETTINGS)), "Deployment")[f"helpdesk-orchestrator-{NEW}"]
    children = {
        **found.children,
        ("Deployment", f"helpdesk-orchestrator-{OLD}"): busy,
        ("Deployment", f"helpdesk-orchestrator-{NEW}"): live(waiting, ready(1)),
    }
    hpas = by_name(render(Plan(replace(found, children=children), SETTINGS)), "HorizontalPodAutoscaler")
    assert hpas["helpdesk-orchestrator"]["spec"]["minReplicas"] == 7
    assert hpas["helpdesk-gateway"]["spec"]["minReplicas"] == 2
    assert hpas["helpdesk-orchestrator"]["spec"]["scaleTargetRef"]["name"] == f"helpdesk-orchestrator-{NEW}"


def test_a_file_that_a_pod_still_mounts_is_kept_until_the_pod_has_ended() -> None:
    name, found = "helpdesk-config-0123456789", applied(snapshot())
    old = live({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {}})
    pod = {"spec": {"volumes": [{"name": "config", "configMap": {"name": name}}]}, "status": {"phase": "Running"}}
    running = replace(found, children={**found.children, ("ConfigMap", name): old}, pods=(pod,))
    ended = replace(running, pods=({**pod, "status": {"phase": "Succeeded"}},))
    assert name in by_name(render(Plan(running, SETTINGS)), "ConfigMap")
    assert name not in by_name(render(Plan(ended, SETTINGS)), "ConfigMap")
