from dataclasses import replace

import pytest

from support.operator.samples import SETTINGS, applied, live, ready, snapshot
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.rollout import Weighted, revisions
from supportplane_operator.snapshot import Manifest, Snapshot

CHANGE = {"template": {"instructions": {"inline": "Be brief."}}}
OLD = Plan(snapshot(), SETTINGS).revision
NEW = Plan(snapshot(CHANGE), SETTINGS).revision
ONLY_NEW = (Weighted(NEW, 100),)
OLD_THEN_NEW = (Weighted(OLD, 100), Weighted(NEW, 0))
_SPEC: Manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 2}}


def changed(status: Manifest | None) -> Snapshot:
    """An agent that served with OLD and is wanted as NEW. status: of NEW's Deployment, None before there is one."""
    served = applied(snapshot(), status={f"helpdesk-orchestrator-{OLD}": ready()})
    name = f"helpdesk-orchestrator-{NEW}"
    fresh = {("Deployment", name): live({**_SPEC, "metadata": {"name": name}}, status)} if status is not None else {}
    return replace(snapshot(CHANGE), children={**served.children, **fresh})


def without_old() -> Snapshot:
    found = changed(ready(0))
    kept = {key: each for key, each in found.children.items() if key[1] != f"helpdesk-orchestrator-{OLD}"}
    return replace(found, children=kept)


ROWS = {
    "nothing exists": (snapshot(CHANGE), ONLY_NEW),
    "NEW has no Deployment": (changed(None), OLD_THEN_NEW),
    "NEW's Deployment says nothing yet": (changed({}), OLD_THEN_NEW),
    "NEW has no available pod": (changed(ready(0)), OLD_THEN_NEW),
    "NEW has some of its pods": (changed(ready(1)), OLD_THEN_NEW),
    "NEW's count is of an older Deployment": (changed({**ready(2), "observedGeneration": 0}), OLD_THEN_NEW),
    "NEW has all its pods": (changed(ready(2)), ONLY_NEW),
    "OLD's Deployment is gone": (without_old(), ONLY_NEW),
}


@pytest.mark.parametrize(("found", "shares"), ROWS.values(), ids=ROWS.keys())
def test_a_revision_gets_all_questions_once_it_is_available_and_until_then_the_running_one_does(
    found: Snapshot, shares: tuple[Weighted, ...]
) -> None:
    assert revisions(Plan(found, SETTINGS)) == shares


def test_an_unchanged_agent_has_one_revision_even_while_its_pods_are_away() -> None:
    found = applied(snapshot(), status={f"helpdesk-orchestrator-{OLD}": ready(0)})
    assert revisions(Plan(found, SETTINGS)) == (Weighted(OLD, 100),)
