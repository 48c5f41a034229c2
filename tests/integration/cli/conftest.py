from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.laptop.terminal import Terminal
from supportplane_cli.embedded.ports import free_port


@pytest.fixture
def make_laptop(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Laptops with an agent file and a guide, nothing started; whatever a test starts is stopped."""
    made: list[Terminal] = []

    def make(**options: Any) -> Terminal:
        folder = tmp_path / f"laptop{len(made)}"
        folder.mkdir()
        made.append(Terminal(folder, free_port(), **options))
        made[-1].write()
        return made[-1]

    yield make
    for laptop in made:
        laptop.down()


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """One running agent for a module; tests leave it running and answering."""
    running = Terminal(tmp_path_factory.mktemp("laptop"), free_port())
    running.write()
    try:
        running.up()
        yield running
    finally:
        running.down()
