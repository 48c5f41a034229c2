"""An operator of its own for each test that asks for one, on an API server in memory."""

from collections.abc import AsyncIterator

import pytest

from support.operator.in_memory import OperatorInMemory, operator_in_memory


@pytest.fixture
async def operator() -> AsyncIterator[OperatorInMemory]:
    async with operator_in_memory() as made:
        yield made
