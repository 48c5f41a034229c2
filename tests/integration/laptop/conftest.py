import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from laptop import Laptop
from supportplane_cli.embedded.ports import free_port, http_status

SLOW_MODEL = Path(__file__).parents[2] / "slow_model.py"
TURN_S = 3.0  # how long a turn is under way: time enough to kill something


@pytest.fixture(scope="module")
def slow_model_port() -> Iterator[int]:
    """A model server whose every answer takes TURN_S."""
    port = free_port()
    server = subprocess.Popen([sys.executable, str(SLOW_MODEL), str(port), str(TURN_S)])
    try:
        while http_status(port, "/") is None:
            assert server.poll() is None
        yield port
    finally:
        server.terminate()
        server.wait(timeout=10)


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory, slow_model_port: int) -> Iterator[Laptop]:
    """An agent whose turns take a while, because its model does."""
    model = f'{{url: "http://127.0.0.1:{slow_model_port}/v1", model: slow}}'
    agent = Laptop(tmp_path_factory.mktemp("laptop"), free_port(), writing="Verified", model=model)
    agent.write()
    try:
        agent.up()
        yield agent
    finally:
        agent.down()
