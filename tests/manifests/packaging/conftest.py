"""A control plane of its own for what installs and uninstalls the CRDs, and the tools that people install with."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from manifests.packaging.commands import CHART, NAMESPACE, RELEASE, Commands, Refused, write_kubeconfig
from support.kubernetes.control_plane import ControlPlane, NotReady, ready_binary


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """The tools without a cluster."""
    skip_without("helm", "kustomize")
    return Commands(tmp_path_factory.mktemp("tools"))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """An empty cluster with a namespace for the operator, in which Pod Security "restricted" is in force."""
    skip_without("helm", "kustomize", "etcd", "kube-apiserver")
    folder = tmp_path_factory.mktemp("packaging")
    plane = ControlPlane(tmp_path_factory.mktemp("packaging-plane"))
    try:
        plane.start()
        write_kubeconfig(plane, folder / "kubeconfig")
        commands = Commands(folder, folder / "kubeconfig")
        for namespace in (NAMESPACE, "acme", "globex"):
            commands.kubectl("create", "namespace", namespace)
            label = "pod-security.kubernetes.io/enforce=restricted"
            commands.kubectl("label", "namespace", namespace, label)
        yield commands
    finally:
        plane.stop()


@pytest.fixture
def installed(cluster: Commands) -> Iterator[Commands]:
    """The chart as it is by default, uninstalled afterwards."""
    cluster.helm("install", RELEASE, str(CHART), "--namespace", NAMESPACE)
    yield cluster
    with suppress(Refused):  # the test may have done it itself
        cluster.helm("uninstall", RELEASE, "--namespace", NAMESPACE)


def skip_without(*names: str) -> None:
    try:
        for name in names:
            ready_binary(name)
    except NotReady as reason:
        pytest.skip(str(reason))
