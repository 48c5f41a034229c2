"""What `supportplane init` writes, in a real Argo CD: from nothing to agents in two clusters, and `promote`."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.argocd.applications import GROUP, Application
from support.argocd.fleet_tree import AGENT, FIRST, PARTS, SECOND, add_cluster, read, stand_alone
from support.argocd.git_server import BRANCH, WorkTree
from support.argocd.installation import ArgoCD, skip_without_argocd
from support.argocd.states import dumped
from support.argocd.team import Team
from support.eventually import eventually
from support.kubernetes.agent_space import CORE, Space
from support.kubernetes.cluster import Cluster
from support.operator.gateway_stand_in import Gateway
from support.operator.process import Operator

skip_without_argocd()
pytestmark = pytest.mark.slow
BOOTSTRAP = "clusters/bootstrap/kustomization.yaml"
ENVIRONMENTS = ("dev", "staging", "production")
PLACES = {**{name: f"{name}-{FIRST}" for name in ENVIRONMENTS}, SECOND: f"production-{SECOND}"}
# Guesses for a busy machine: everything from definitions to four agents; one change, ring after ring.
FIRST_SYNC_S = 240.0
ROLLOUT_S = 180.0


@dataclass(frozen=True)
class Fleet:
    """teams: each environment of the cluster main, and the second cluster, which has production only."""

    argocd: ArgoCD
    tree: WorkTree
    teams: dict[str, Team]

    def promote(self, source: str, target: str) -> str:
        """As a person does it: the command makes a branch, a merge brings it in. The commit."""
        branch = f"to-{target}-{self.tree.server.git('rev-parse', '--short', 'HEAD', cwd=self.tree.folder)}"
        who = {name: text for name, text in self.tree.server.environment.items() if name.startswith("GIT_")}
        run("supportplane", "promote", source, target, "--branch", branch, cwd=self.tree.folder, **who)
        commit = self.tree.merge(branch, BRANCH)
        self.argocd.told_of_push(self.tree.server.url, commit, BRANCH)
        return commit

    def release(self, instructions: str) -> str:
        """Into dev."""
        path = "release/supportagent.yaml"
        manifest = read(self.tree.folder / "environments/dev" / path)
        manifest["spec"]["template"]["instructions"] = {"inline": instructions}
        return self.teams["dev"].push(instructions, {path: dumped(manifest)})

    def instructions(self) -> dict[str, str]:
        return {name: team.instructions() for name, team in self.teams.items()}

    def application(self, name: str) -> Application:
        return Application(self.argocd, name)


def run(program: str, *arguments: str, cwd: Path, **environment: str) -> str:
    """A program beside this Python. What it printed; a failure ends the test with what it said."""
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{program} {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def fleet(
    argocd: ArgoCD,
    work_tree: WorkTree,
    hub: Cluster,
    gateway: Gateway,
    operator: Operator,
    us: tuple[Cluster, Gateway],
) -> Fleet:
    url, folder = work_tree.server.url, work_tree.folder
    start = ("--track", "startup", "--repository", url, "--components", "none")
    run("supportplane", "init", *start, str(folder), cwd=folder)
    add_cluster(folder, us[0].url)
    stand_alone(folder)
    commit = work_tree.push("Two clusters", {})
    argocd.add_cluster(SECOND, us[0], us[0].url)
    places = {**dict.fromkeys(ENVIRONMENTS, (hub, gateway)), SECOND: us}
    teams = {}
    for name, (cluster, answers) in places.items():
        environment = "production" if name == SECOND else name
        space = Space(cluster, answers, f"support-{environment}")
        application = Application(argocd, PLACES[name])
        teams[name] = Team(argocd, work_tree, space, f"environments/{environment}", application, agent=AGENT)
    made = Fleet(argocd, work_tree, teams)
    kubeconfig = str(hub.kubeconfig("admin", hub.token))
    bootstrap = ("apply", "--server-side", "--force-conflicts", "-k", "clusters/bootstrap")
    run("kubectl", *bootstrap, cwd=folder, KUBECONFIG=kubeconfig)
    argocd.told_of_push(url, commit, BRANCH)
    for team in teams.values():
        wait_namespace(team.space)
        team.space.gateway.stand_behind(team.space.cluster, team.space.namespace, AGENT)
        key = f"{team.space.namespace}/{AGENT}"
        team.space.gateway.knowledge[key] = [{"name": "handbook", "documents": 1, "chunks": 3, "skipped": 0}]
    return made


def wait_namespace(space: Space) -> None:
    path = f"{CORE}/namespaces/{space.namespace}"
    eventually(lambda: space.cluster.read(path), f"Argo CD makes {space.namespace}", deadline_s=FIRST_SYNC_S)


def test_definitions_come_before_the_operator_and_then_every_agent_answers(fleet: Fleet) -> None:
    for cluster in (FIRST, SECOND):
        for part in PARTS:
            fleet.application(f"{part}-{cluster}").wait_healthy(deadline_s=FIRST_SYNC_S)
        definitions, second = (fleet.application(f"{part}-{cluster}").status for part in PARTS)
        assert definitions["health"]["lastTransitionTime"] <= second["operationState"]["startedAt"]
    for team in fleet.teams.values():
        team.application.wait_healthy(deadline_s=FIRST_SYNC_S)
        team.space.wait_ready(AGENT, deadline_s=FIRST_SYNC_S)
    fleet.application("root").wait_healthy()


def test_a_release_is_promoted_environment_by_environment_and_region_by_region(fleet: Fleet) -> None:
    before, new = fleet.teams["production"].instructions(), "Answer in one sentence."
    fleet.release(new)
    fleet.teams["dev"].wait_reconciled(new)
    assert fleet.instructions() == {"dev": new, "staging": before, "production": before, SECOND: before}
    fleet.promote("dev", "staging")
    fleet.teams["staging"].wait_reconciled(new)
    assert fleet.instructions() == {"dev": new, "staging": new, "production": before, SECOND: before}
    commit = fleet.promote("staging", "production")
    first, second = (fleet.teams[name].application for name in ("production", SECOND))

    def when_the_second_began() -> dict[str, Any] | None:
        """All applications at one moment; stamps of Argo CD are whole seconds, which two regions may share."""
        found = second.argocd.hub.read(f"{GROUP}/applications") or {}
        applications = {each["metadata"]["name"]: each["status"] for each in found["items"]}
        begun = applications[second.name]["operationState"].get("syncResult", {}).get("revision")
        return applications if begun == commit else None

    moment = eventually(when_the_second_began, "the second region begins", deadline_s=ROLLOUT_S)
    assert commit in {each["revision"] for each in moment[first.name]["history"]}
    assert moment[first.name]["operationState"]["startedAt"] <= moment[second.name]["operationState"]["startedAt"]
    for name in ("production", SECOND):
        fleet.teams[name].application.wait_applied(commit, deadline_s=ROLLOUT_S)
        fleet.teams[name].wait_reconciled(new, deadline_s=ROLLOUT_S)


def test_production_is_healed_too(fleet: Fleet) -> None:
    production = fleet.teams["production"]
    production.space.patch(AGENT, {"spec": {"mode": "HandoffOnly"}})
    eventually(lambda: production.space.read(AGENT)["spec"]["mode"] == "Auto", "the mode of git is back")


def test_a_cluster_that_is_away_keeps_no_change_from_the_others(fleet: Fleet) -> None:
    new = "Answer in two sentences."
    with fleet.teams[SECOND].space.cluster.hung_api():
        fleet.release(new)
        fleet.teams["dev"].wait_reconciled(new)
        fleet.promote("dev", "staging")
        commit = fleet.promote("staging", "production")
        for name in ("staging", "production"):
            fleet.teams[name].wait_reconciled(new, deadline_s=ROLLOUT_S)
        assert not fleet.teams[SECOND].application.is_applied(commit)
    fleet.teams[SECOND].wait_reconciled(new, deadline_s=ROLLOUT_S)


def test_a_cluster_that_is_taken_out_of_git_keeps_what_runs_there(fleet: Fleet) -> None:
    second = fleet.teams[SECOND]
    line = (fleet.tree.folder / BOOTSTRAP).read_text(encoding="utf-8").replace(f"- ../{SECOND}\n", "")
    commit = fleet.tree.push("One cluster", {f"clusters/{SECOND}": None, BOOTSTRAP: line})
    fleet.argocd.told_of_push(fleet.tree.server.url, commit, BRANCH)
    second.application.wait_gone(deadline_s=ROLLOUT_S)
    for part in PARTS:
        fleet.application(f"{part}-{SECOND}").wait_gone(deadline_s=ROLLOUT_S)
    assert second.space.is_ready(AGENT)
    fleet.teams["production"].application.wait_healthy()
