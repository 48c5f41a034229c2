"""The control plane of the session, with the project's CRDs installed."""

import time
from collections.abc import Collection, Iterator

import pytest
from ruamel.yaml import YAML

from support.kubernetes.control_plane import START_DEADLINE_S, ControlPlane
from support.repository import REPOSITORY
from supportplane_crds.load import KINDS
from supportplane_crds.objects import API_VERSION

CRDS = sorted((REPOSITORY / "crds").glob("*.supportplane.io.yaml"))
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
POLL_S = 0.05


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    plane = ControlPlane(tmp_path_factory.mktemp("control-plane"))
    try:
        plane.start()
        plane.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "acme"}})
        install(plane)
        yield plane
    finally:
        plane.stop()


def install(plane: ControlPlane) -> None:
    """Create the CRDs and wait until each is served."""
    for path in CRDS:
        definition = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        reply = plane.ask("POST", f"{DEFINITIONS}?fieldValidation=Strict", definition)
        assert reply.status == 201, reply.message
    wait_served(plane, [f"/apis/{API_VERSION}/{kind.plural}" for kind in KINDS.values()])


def wait_served(plane: ControlPlane, paths: Collection[str]) -> None:
    """Until each answers, which it does a moment after its CRD is said to be established."""
    deadline = time.monotonic() + START_DEADLINE_S
    while late := [path for path in paths if plane.ask("GET", path).status != 200]:
        assert time.monotonic() < deadline, f"not served: {late}"
        time.sleep(POLL_S)
