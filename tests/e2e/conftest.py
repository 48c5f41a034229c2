"""The node of the session with the images on it, the parts outside the cluster, the operator and its agent.

Everything is started once, in the namespaces of scripts/e2e. Where a node's requirements are not met, each test is
skipped with the one that is missing.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from e2e.helpdesk import READY_S, Helpdesk
from e2e.images import Image, read_images
from e2e.installation import Operator
from e2e.machine import why_not
from e2e.node import Node
from e2e.parts import Outside, start_outside
from e2e.records import Records

LISTING = "SUPPORTPLANE_E2E_IMAGES"
REASON = "SUPPORTPLANE_E2E_SKIP"
RECORDS = pytest.StashKey[Records]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure says what the cluster saw, as the cluster is gone when somebody asks."""
    report = yield
    node = getattr(item, "funcargs", {}).get("node")
    if report.failed and isinstance(node, Node):
        report.sections.append(("what the node says", node.describe()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Times are printed, never judged."""
    records = config.stash.get(RECORDS, Records())
    if records.times:
        terminalreporter.section("times on the node")
        terminalreporter.write_line("\n".join(records.lines()))


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
    """What is needed was found, so a node that does not start is a failure."""
    node = Node(work_folder)
    try:
        node.start()
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
def records(pytestconfig: pytest.Config) -> Records:
    return pytestconfig.stash.setdefault(RECORDS, Records())


@pytest.fixture(scope="session")
def rendered(node: Node, outside: Outside, images: dict[str, Image]) -> Iterator[Helpdesk]:
    """An agent without the operator, applied and on its way; it goes, to leave its room to others."""
    desk = Helpdesk(node, outside, images["supportplane-runtime"].reference, "rendered")
    desk.prepare()
    desk.apply_rendered()
    yield desk
    node.kubectl("delete", "namespace", desk.space, "--wait=false")


@pytest.fixture(scope="session")
def own(node: Node, outside: Outside, images: dict[str, Image]) -> Helpdesk:
    """The operator's agent before it is applied."""
    return Helpdesk(node, outside, images["supportplane-runtime"].reference, "acme")


@pytest.fixture
def operator(node: Node, images: dict[str, Image]) -> Operator:
    """Installed; again, when a test has removed it."""
    operator = Operator(node, images)
    if not operator.is_installed():
        operator.install()
    return operator


@pytest.fixture
def helpdesk(operator: Operator, own: Helpdesk, records: Records) -> Helpdesk:
    """Applied and Ready."""
    if own.exists():
        own.wait(own.is_well, "the agent is not well", deadline_s=READY_S)
        return own
    own.prepare()
    began = time.monotonic()
    own.apply()
    records.add("apply", "Ready", own.wait_for("Ready", "True", deadline_s=READY_S))
    answer = own.ask()
    records.add("apply", "first answer", time.monotonic() - began)
    assert answer.status == 200, answer.body
    own.wait(own.is_well, "the agent is not well", deadline_s=READY_S)
    return own
