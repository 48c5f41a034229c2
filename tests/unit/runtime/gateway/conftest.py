"""A gateway on the store in memory, called in process."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from support.gateway.scripted_gateway import TestGateway, make_gateway


@pytest.fixture
async def gateway() -> AsyncIterator[TestGateway]:
    async with make_gateway() as made:
        yield made


@pytest.fixture
async def client(gateway: TestGateway) -> AsyncIterator[httpx2.AsyncClient]:
    """With a key that may do everything in the tenant acme."""
    async with gateway.client(**gateway.key.headers) as made:
        yield made
