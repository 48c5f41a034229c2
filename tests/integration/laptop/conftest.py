from collections.abc import Iterator

import pytest

from support.laptop.running_agent import Laptop, slow_agent
from supportplane_cli.embedded.ports import free_port


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with slow_agent(tmp_path_factory.mktemp("laptop")) as agent:
        yield agent


@pytest.fixture
def writing_laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A running agent whose embedded model is asked for every answer."""
    agent = Laptop(tmp_path_factory.mktemp("writing"), free_port(), writing="Verified")
    agent.write()
    try:
        agent.up()
        yield agent
    finally:
        agent.down()
