"""Several orchestrators on one database: what one works on, or what another agent was asked, the others leave alone."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from support.eventually import eventually_async
from support.runtime.turn_parts import FixedRetriever
from support.runtime.turn_subject import TENANT, Factory, Gate, Setup, asked, in_memory, on_postgres
from supportplane_runtime.domain.conversation import TurnStatus
from supportplane_runtime.orchestrator.policy import Policy
from supportplane_runtime.orchestrator.turns import LocalTurns
from supportplane_runtime.turns.events import Answered

QUESTION = "How do I rotate an API key?"
STORES: dict[str, Callable[[pytest.FixtureRequest], Factory]] = {
    "memory": lambda _: in_memory,
    "PostgreSQL": lambda request: on_postgres(request.getfixturevalue("migrated_database_url")),
}


@pytest.fixture(params=STORES)
def factory(request: pytest.FixtureRequest) -> Factory:
    return STORES[request.param](request)


async def test_a_turn_that_another_replica_works_on_is_not_taken_up(factory: Factory) -> None:
    gate = Gate()
    setup = Setup(retriever=FixedRetriever(wait=gate), policy=Policy(TENANT, agent="shop"))
    async with factory(setup) as first:
        assert isinstance(first.turns, LocalTurns)
        async with LocalTurns(first.turns._engine, first.turnbook, setup.policy, bounds=setup.bounds) as second:
            request = asked(QUESTION)
            await first.turns.start(request)
            await eventually_async(lambda: gate.arrived == 1)
            assert await second.resume() == 0
            listening = asyncio.create_task(replace(first, turns=second).events(request.turn_id))
            gate.released.set()
            assert isinstance((await first.events(request.turn_id))[-1], Answered)
            assert isinstance((await listening)[-1], Answered)
    assert gate.arrived == 1


async def test_an_agent_leaves_another_agents_abandoned_turn_to_it(factory: Factory) -> None:
    setup = Setup(policy=Policy(TENANT, agent="shop"), bounds=replace(Setup().bounds, sweep_s=60))
    other = replace(setup.policy, agent="bank")
    async with factory(setup) as shop:
        assert isinstance(shop.turns, LocalTurns)
        request = asked(QUESTION)
        await shop.turnbook.accept(request, lease_owner="a process that died", history_limit=0, agent="bank")
        await shop.abandon(request.turn_id)
        assert await shop.turns.resume() == 0
        assert (await shop.turnbook.turn(TENANT, request.turn_id)).status is TurnStatus.ACCEPTED
        async with LocalTurns(shop.turns._engine, shop.turnbook, other, bounds=setup.bounds) as bank:
            await bank.resume()
            assert isinstance((await shop.events(request.turn_id))[-1], Answered)
