"""A complete listing of the operator's own kinds, on an API server in memory."""

from typing import Any

import pytest

from support.operator.in_memory import AGENT_KEY, NAMESPACE, OperatorInMemory
from support.operator.samples import AGENT, document
from supportplane_operator import resync as subject
from supportplane_operator.cache import Cache, Key
from supportplane_operator.kinds import OwnKinds
from supportplane_operator.references import References
from supportplane_operator.resync import Resync

ENDPOINT_KEY = Key("ModelEndpoint", NAMESPACE, "slm")
BASE_KEY = Key("KnowledgeBase", NAMESPACE, "handbook")


class Told:
    """A resync with what it tells. also: done whenever a key is told."""

    def __init__(self, operator: OperatorInMemory, *namespaces: str, also: Any = lambda _: None) -> None:
        self.keys: list[Key] = []
        self.also = also
        self.cache = Cache()
        self.own = OwnKinds(self.cache, References(), self._tell)
        self.resync = Resync(operator.client, namespaces or ("*",), self.own, self.cache)

    def _tell(self, key: Key) -> None:
        self.keys.append(key)
        self.also(self)

    async def once(self) -> set[Key]:
        self.keys.clear()
        await self.resync.once()
        return set(self.keys)


async def test_everything_that_is_there_is_told(operator: OperatorInMemory) -> None:
    operator.run()
    operator.create(
        {"apiVersion": "supportplane.io/v1alpha1", "kind": "SupportAgentClass", "metadata": {"name": "c"}, "spec": {}}
    )
    told = Told(operator)
    assert not told.resync.is_done
    assert await told.once() == {AGENT_KEY, ENDPOINT_KEY, BASE_KEY, Key("SupportAgentClass", "", "c")}
    assert told.resync.is_done


async def test_what_did_not_change_is_not_told_again(operator: OperatorInMemory) -> None:
    operator.run()
    told = Told(operator)
    await told.once()
    assert await told.once() == set()


async def test_an_object_that_vanished_while_nobody_watched_is_noticed(operator: OperatorInMemory) -> None:
    operator.run()
    told = Told(operator)
    await told.once()
    operator.delete("SupportAgent", "helpdesk")
    assert AGENT_KEY in await told.once()
    assert told.cache.get(AGENT_KEY) is None


async def test_a_vanished_companion_concerns_the_agents_that_name_it(operator: OperatorInMemory) -> None:
    operator.run()
    told = Told(operator)
    await told.once()
    operator.delete("ModelEndpoint", "slm")
    assert await told.once() == {ENDPOINT_KEY, AGENT_KEY}


async def test_what_is_made_while_the_listing_runs_is_not_taken_for_vanished(operator: OperatorInMemory) -> None:
    def meanwhile(told: Told) -> None:
        """A watch tells of an agent that the listing, which is answered already, does not have."""
        late = Key("SupportAgent", NAMESPACE, "late")
        if told.cache.get(late) is None:
            told.own.seen(operator.create(document("SupportAgent", "late", AGENT)))

    operator.run()
    told = Told(operator, also=meanwhile)
    await told.once()
    assert told.cache.get(Key("SupportAgent", NAMESPACE, "late")) is not None


async def test_an_answer_that_fails_is_asked_for_again(
    operator: OperatorInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "RETRY_S", 0.01)
    operator.run()
    operator.server.fail("GET", "/modelendpoints", 500, times=3)
    told = Told(operator)
    assert AGENT_KEY in await told.once()
    assert told.cache.get(ENDPOINT_KEY) is not None


async def test_a_listing_that_fails_takes_nothing_for_vanished(
    operator: OperatorInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "RETRY_S", 0.01)
    operator.run()
    told = Told(operator)
    await told.once()
    operator.server.fail("GET", "/supportagents", 503, times=2)
    assert await told.once() == set()
    assert told.cache.get(AGENT_KEY) is not None


async def test_a_listing_of_many_pages_is_read_to_its_end(
    operator: OperatorInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "PAGE", 2)
    for number in range(5):
        operator.create(document("ModelEndpoint", f"m{number}", {"embedded": {}}))
    told = Told(operator)
    assert {key.name for key in await told.once()} == {f"m{number}" for number in range(5)}
    assert sum("continue=" in each for each in operator.server.asked) == 2


async def test_only_the_namespaces_of_the_operator_are_listed(operator: OperatorInMemory) -> None:
    operator.run()
    told = Told(operator, "elsewhere")
    told.own.seen(operator.read("SupportAgent", "helpdesk") or {})
    assert await told.once() == set()
    assert told.cache.get(AGENT_KEY) is not None  # of a namespace that is not listed nothing is known to be gone
