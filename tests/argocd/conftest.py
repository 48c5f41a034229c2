"""The loop of a team that works with git: a control plane with the operator, a git server, and the real Argo CD.

One of each a session, a namespace and a folder of the repository a test. What follows a push is told to Argo CD by the
webhook that a forge sends.
"""

import secrets
from collections.abc import Iterator

import pytest

from support.argocd.applications import GROUP, PROJECT, Application
from support.argocd.git_server import GitServer, WorkTree, running_git_server
from support.argocd.installation import ArgoCD, running_argocd, skip_without_argocd
from support.argocd.team import AGENT, Team
from support.argocd.tree import agent_files
from support.kubernetes.agent_space import Space
from support.kubernetes.cluster import Cluster, running_cluster, skip_without_binaries
from support.operator.gateway_stand_in import Gateway, running_gateway
from support.operator.process import QUICK, Installation, Operator

AUTOSCALES_EVERY = "5s"  # production's agents are autoscaled, and a revision takes over with the least number of pods


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster that Argo CD's own objects are in, and agents of the first region."""
    skip_without_argocd()
    skip_without_binaries()
    with running_cluster(tmp_path_factory.mktemp("hub"), autoscales_every=AUTOSCALES_EVERY) as made:
        yield made


@pytest.fixture(scope="session")
def installation(hub: Cluster) -> Installation:
    made = Installation(hub)
    made.install()
    return made


@pytest.fixture(scope="session")
def gateway(hub: Cluster, installation: Installation) -> Iterator[Gateway]:
    with running_gateway(hub.pod_address, installation.key.public_key()) as made:
        yield made


@pytest.fixture(scope="session")
def operator(installation: Installation) -> Iterator[Operator]:
    made = Operator(installation, settings={**QUICK, "LEASE_SECONDS": "60"})
    try:
        yield made.start().wait_ready().wait_leading()
    finally:
        made.stop()


@pytest.fixture(scope="session")
def us(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Gateway]]:
    """A second control plane with its own operator and somebody who answers for its gateways.

    Tests have its API server away. The operator would lose its Lease and end, and no kubelet starts it anew.
    """
    with running_cluster(tmp_path_factory.mktemp("us"), autoscales_every=AUTOSCALES_EVERY) as cluster:
        installation = Installation(cluster)
        installation.install()
        operator = Operator(installation, settings={**QUICK, "LEASE_SECONDS": "300"})
        try:
            operator.start().wait_ready().wait_leading()
            with running_gateway(cluster.pod_address, installation.key.public_key()) as gateway:
                yield cluster, gateway
        finally:
            operator.stop()


@pytest.fixture(scope="session")
def git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with running_git_server(tmp_path_factory.mktemp("git")) as made:
        yield made


@pytest.fixture(scope="session")
def work_tree(git: GitServer) -> WorkTree:
    return git.create()


@pytest.fixture(scope="session")
def argocd(hub: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArgoCD]:
    with running_argocd(hub, tmp_path_factory.mktemp("argocd")) as made:
        made.apply(f"{GROUP}/appprojects", PROJECT)
        yield made


@pytest.fixture
def team(argocd: ArgoCD, work_tree: WorkTree, hub: Cluster, gateway: Gateway, operator: Operator) -> Iterator[Team]:
    name = f"team-{secrets.token_hex(3)}"
    space = Space(hub, gateway, hub.create_namespace(name))
    made = Team(argocd, work_tree, space, name, Application(argocd, name))
    try:
        yield made
    finally:
        made.application.delete()
        hub.ask("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def agent(team: Team) -> Team:
    """A team whose agent answers."""
    team.space.gateway.stand_behind(team.space.cluster, team.space.namespace, AGENT)
    commit = team.push("An agent", agent_files())
    team.follow()
    team.application.wait_applied(commit)
    team.space.wait_ready(AGENT)
    team.application.wait_healthy()
    return team
