"""Two clusters kept by one ApplicationSet from one hub: what happens to one of them does not reach the other."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from support.argocd.applications import GROUP, Application, application_spec
from support.argocd.git_server import WorkTree
from support.argocd.installation import IN_CLUSTER, NAMESPACE, ArgoCD, skip_without_argocd
from support.argocd.states import dumped
from support.argocd.team import AGENT, Team
from support.argocd.tree import agent_files, agent_text
from support.kubernetes.agent_space import VERSION, Space
from support.kubernetes.cluster import Cluster
from support.operator.gateway_stand_in import Gateway
from support.operator.process import Operator

skip_without_argocd()
pytestmark = pytest.mark.slow
FOLDER = "regions"
REGION = "example.com/region"


@dataclass(frozen=True)
class Regions:
    """Two regions that follow one folder: the agent in `base`, what is a region's own in `clusters/<region>`."""

    eu: Team
    us: Team

    def push(self, message: str, instructions: str) -> str:
        return self.eu.push(message, {"base/supportagent.yaml": agent_text(instructions)})


@pytest.fixture(scope="module")
def regions(
    argocd: ArgoCD,
    work_tree: WorkTree,
    hub: Cluster,
    gateway: Gateway,
    operator: Operator,
    us: tuple[Cluster, Gateway],
) -> Iterator[Regions]:
    made = {"eu": (hub, gateway), "us": us}
    files = {f"{FOLDER}/{name}": text for name, text in region_files(made).items()}
    commit = work_tree.push("Two regions", files)
    teams = {}
    for name, (cluster, answers) in made.items():
        space = Space(cluster, answers, cluster.create_namespace(FOLDER))
        answers.stand_behind(cluster, FOLDER, AGENT)
        teams[name] = Team(argocd, work_tree, space, FOLDER, Application(argocd, f"agents-{name}"))
    argocd.add_cluster("eu", hub, IN_CLUSTER, **{REGION: "eu"})
    argocd.add_cluster("us", us[0], us[0].url, **{REGION: "us"})
    hub.create(f"{GROUP}/applicationsets", application_set(work_tree.server.url))
    try:
        for team in teams.values():
            team.application.wait_applied(commit)
            team.wait_reconciled()
        yield Regions(**teams)
    finally:
        hub.ask("DELETE", f"{GROUP}/applicationsets/agents")
        for team in teams.values():
            team.application.wait_gone()
        for name in made:
            hub.ask("DELETE", f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}")


def region_files(regions: dict[str, tuple[Cluster, Gateway]]) -> dict[str, str | None]:
    base = {f"base/{name}": text for name, text in agent_files().items()}
    for region in regions:
        target = {"group": VERSION.partition("/")[0], "kind": "SupportAgent", "name": AGENT}
        change = [{"op": "add", "path": "/metadata/labels", "value": {REGION: region}}]
        patches = [{"target": target, "patch": json.dumps(change)}]
        base[f"clusters/{region}/kustomization.yaml"] = dumped({"resources": ["../../base"], "patches": patches})
    return base


def application_set(url: str) -> dict[str, object]:
    place = f"{{{{ index .metadata.labels {json.dumps(REGION)} }}}}"
    path = f"{FOLDER}/clusters/{place}"
    spec = application_spec(url, path=path, namespace=FOLDER, server="{{ .server }}")
    wanted = {"matchExpressions": [{"key": REGION, "operator": "Exists"}]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "agents"},
        "spec": {
            "goTemplate": True,
            "goTemplateOptions": ["missingkey=error"],
            "generators": [{"clusters": {"selector": wanted}}],
            "template": {
                "metadata": {
                    "name": f"agents-{place}",
                    "finalizers": ["resources-finalizer.argocd.argoproj.io"],
                },
                "spec": spec,
            },
        },
    }


def test_one_push_reaches_both_and_each_has_what_is_its_own(regions: Regions) -> None:
    commit = regions.push("Briefly", "Answer briefly.")
    for name, team in (("eu", regions.eu), ("us", regions.us)):
        team.application.wait_applied(commit)
        team.wait_reconciled("Answer briefly.")
        assert team.space.read(AGENT)["metadata"]["labels"][REGION] == name


def test_a_region_that_is_away_keeps_nothing_from_the_other_and_catches_up(regions: Regions) -> None:
    eu, us = regions.eu, regions.us
    with us.space.cluster.hung_api():
        commit = regions.push("Politely", "Answer politely.")
        eu.application.wait_applied(commit)
        eu.wait_reconciled("Answer politely.")
        eu.space.patch(AGENT, {"spec": {"template": {"instructions": {"inline": "Be rude."}}}})
        eu.wait_reconciled("Answer politely.")
        eu.application.wait_healthy()
        assert not us.application.is_applied(commit)
    us.application.wait_applied(commit)
    us.wait_reconciled("Answer politely.")


def test_what_somebody_changes_in_one_region_is_put_back_there(regions: Regions) -> None:
    meant = regions.eu.instructions()
    regions.us.space.patch(AGENT, {"spec": {"template": {"instructions": {"inline": "Be rude."}}}})
    regions.us.wait_reconciled(meant)
    assert regions.eu.is_reconciled(meant)
