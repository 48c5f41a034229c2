"""The stand-in model server as a fixture."""

from collections.abc import AsyncIterator

import pytest

from support.runtime.model_stand_in import StandIn, listening_stand_in


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async with listening_stand_in() as server:
        yield server
