"""The node of the session with the images on it, and the parts outside the cluster.

Everything is started once, in the namespaces of scripts/e2e. Where no node can run, each test is skipped with the
reason.
"""

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from e2e.helpdesk import Helpdesk
from e2e.images import Image, read_images
from e2e.machine import why_not
from e2e.node import Node
from e2e.parts import Outside, start_outside
from supportplane_cli.errors import PartFailed

LISTING = "SUPPORTPLANE_E2E_IMAGES"
REASON = "SUPPORTPLANE_E2E_SKIP"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure says what the cluster saw, as the cluster is gone when somebody asks."""
    report = yield
    node = getattr(item, "funcargs", {}).get("node")
    if report.failed and isinstance(node, Node):
        report.sections.append(("what the node says", node.describe()))
    return report


@pytest.fixture(scope="session")
def images() -> dict[str, Image]:
    """By name; built beforehand by scripts/e2e, as the network of the tests leads nowhere."""
    listing = os.environ.get(LISTING)
    if listing is None:
        reason = os.environ.get(REASON) or why_not() or "it runs in namespaces of its own: make e2e"
        pytest.skip(f"no node is started here: {reason}")
    return read_images(Path(listing))


@pytest.fixture(scope="session")
def work_folder(images: dict[str, Image]) -> Iterator[Path]:
    """Short, for the path of a socket has at most 107 characters; what is mounted in it goes with scripts/e2e."""
    folder = Path(tempfile.mkdtemp(prefix="e2e-", dir=os.environ.get("SUPPORTPLANE_E2E_STATE")))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def node(images: dict[str, Image], work_folder: Path) -> Iterator[Node]:
    node = Node(work_folder)
    try:
        try:
            node.start()
        except (AssertionError, PartFailed) as reason:
            pytest.skip(f"no node can start here: {reason}")
        for image in images.values():
            node.import_image(Path(image.archive))
        yield node
    finally:
        node.stop()


@pytest.fixture(scope="session")
def outside(work_folder: Path) -> Iterator[Outside]:
    outside = start_outside(work_folder)
    yield outside
    outside.stop()


@pytest.fixture(scope="session")
def helpdesk(node: Node, outside: Outside, images: dict[str, Image]) -> Helpdesk:
    """What `supportplane render` prints is applied and on its way: the operator's objects without the operator."""
    desk = Helpdesk(node, outside, images["supportplane-runtime"].reference)
    desk.prepare()
    desk.apply_rendered()
    return desk
