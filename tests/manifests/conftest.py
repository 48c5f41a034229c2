"""The control plane of the session, with the project's CRDs installed."""

import time
from collections.abc import Iterator

import pytest
from ruamel.yaml import YAML

from manifests.control_plane import START_DEADLINE_S, ControlPlane
from manifests.wrong_objects import REPOSITORY

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
    deadline = time.monotonic() + START_DEADLINE_S
    while not all(is_established(plane, path.stem) for path in CRDS):
        assert time.monotonic() < deadline, "a CRD was not established"
        time.sleep(POLL_S)


def is_established(plane: ControlPlane, name: str) -> bool:
    conditions = plane.ask("GET", f"{DEFINITIONS}/{name}").body.get("status", {}).get("conditions")
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions or ())
