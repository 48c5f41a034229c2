from collections.abc import Iterator

import pytest

from laptop import Laptop, slow_agent


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with slow_agent(tmp_path_factory.mktemp("laptop")) as agent:
        yield agent
