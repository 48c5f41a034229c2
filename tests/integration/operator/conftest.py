"""One control plane for all tests of the operator, a running replica a module, a namespace a test."""

import secrets
from collections.abc import Iterator

import pytest

from support.kubernetes.agent_space import Space
from support.kubernetes.cluster import Cluster, running_cluster, skip_without_binaries
from support.operator.gateway_stand_in import Gateway, running_gateway
from support.operator.process import QUICK, Installation, Operator


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    skip_without_binaries()
    with running_cluster(tmp_path_factory.mktemp("cluster"), audited=True) as made:
        yield made


@pytest.fixture(scope="session")
def installation(cluster: Cluster) -> Installation:
    made = Installation(cluster)
    made.install()
    return made


@pytest.fixture(scope="session")
def gateway(cluster: Cluster, installation: Installation) -> Iterator[Gateway]:
    with running_gateway(cluster.pod_address, installation.key.public_key()) as made:
        yield made


@pytest.fixture(scope="module")
def operator(installation: Installation) -> Iterator[Operator]:
    """A replica that leads, and ends on no machine, however busy, because it did not renew its Lease in time."""
    made = Operator(installation, settings={**QUICK, "LEASE_SECONDS": "60"})
    try:
        yield made.start().wait_ready().wait_leading()
    finally:
        made.stop()


@pytest.fixture
def space(cluster: Cluster, gateway: Gateway) -> Iterator[Space]:
    namespace = cluster.create_namespace(f"test-{secrets.token_hex(4)}")
    yield Space(cluster, gateway, namespace)
    cluster.ask("DELETE", f"/api/v1/namespaces/{namespace}")
