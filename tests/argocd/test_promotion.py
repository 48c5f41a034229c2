"""Promotion is a merge: an environment follows a branch, and gets what the one before it has run."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from support.argocd.applications import Application
from support.argocd.git_server import WorkTree
from support.argocd.installation import ArgoCD, skip_without_argocd
from support.argocd.team import AGENT, Team
from support.argocd.tree import INSTRUCTIONS, agent_files, agent_text
from support.kubernetes.agent_space import Space
from support.kubernetes.cluster import Cluster
from support.operator.gateway_stand_in import Gateway
from support.operator.process import Operator

skip_without_argocd()
pytestmark = pytest.mark.slow
FOLDER = "promoted"
ENVIRONMENTS = ("dev", "staging", "production")


@dataclass(frozen=True)
class Environments:
    """By name; each follows the branch of its name."""

    by_name: dict[str, Team]
    tree: WorkTree

    def promote(self, source: str, into: str) -> str:
        commit = self.tree.merge(source, into)
        self.by_name[into].tell(commit)
        return commit

    def instructions(self) -> tuple[str, ...]:
        return tuple(self.by_name[name].instructions() for name in ENVIRONMENTS)


@pytest.fixture
def environments(
    argocd: ArgoCD, work_tree: WorkTree, hub: Cluster, gateway: Gateway, operator: Operator
) -> Iterator[Environments]:
    files = {f"{FOLDER}/{name}": text for name, text in agent_files().items()}
    commit = work_tree.push("An agent", files)
    made = {}
    try:
        for name in ENVIRONMENTS:
            work_tree.branch(name)
            space = Space(hub, gateway, hub.create_namespace(f"{FOLDER}-{name}"))
            gateway.stand_behind(hub, space.namespace, AGENT)
            made[name] = Team(argocd, work_tree, space, FOLDER, Application(argocd, f"{FOLDER}-{name}"), name)
            made[name].follow()
        for team in made.values():
            team.application.wait_applied(commit)
            team.wait_reconciled()
        yield Environments(made, work_tree)
    finally:
        for team in made.values():
            team.application.delete()
            hub.ask("DELETE", f"/api/v1/namespaces/{team.space.namespace}")


def test_a_change_goes_from_dev_through_staging_to_production_and_never_further_by_itself(
    environments: Environments,
) -> None:
    dev, staging, production = (environments.by_name[name] for name in ENVIRONMENTS)
    brief = "Answer briefly."
    dev.application.wait_applied(dev.push("Briefly", {"supportagent.yaml": agent_text(brief)}))
    dev.wait_reconciled(brief)
    assert environments.instructions() == (brief, INSTRUCTIONS, INSTRUCTIONS)
    staging.application.wait_applied(environments.promote("dev", "staging"))
    staging.wait_reconciled(brief)
    assert environments.instructions() == (brief, brief, INSTRUCTIONS)
    assert production.application.sync[0] == "Synced"
    production.application.wait_applied(environments.promote("staging", "production"))
    production.wait_reconciled(brief)
    assert environments.instructions() == (brief, brief, brief)
    for team in environments.by_name.values():
        team.application.wait_healthy()
