"""Which agents use which endpoint, knowledge base and class: whom a change concerns, without looking at every agent.

``kinds`` tells it of every agent that changes; ``observe``, ``kinds`` and ``main`` ask it. Pure memory, read from the
stored objects.
"""

from collections import defaultdict
from typing import Any

from supportplane_operator.cache import Key, key_of
from supportplane_operator.snapshot import Manifest

_NOBODY: frozenset[Key] = frozenset()


class References:
    """Both directions of "uses"."""

    def __init__(self) -> None:
        self._used: dict[Key, frozenset[Key]] = {}
        self._users: defaultdict[Key, set[Key]] = defaultdict(set)

    def learn(self, agent: Manifest) -> frozenset[Key]:
        """Take over what an agent names now. Returns whatever it began or ceased to use."""
        return self._replace(key_of(agent), _named_by(agent))

    def forget(self, agent: Key) -> frozenset[Key]:
        """Returns what it used."""
        return self._replace(agent, _NOBODY)

    def users(self, used: Key) -> frozenset[Key]:
        return frozenset(self._users.get(used, _NOBODY))

    def used_by(self, agent: Key) -> frozenset[Key]:
        return self._used.get(agent, _NOBODY)

    def _replace(self, agent: Key, now: frozenset[Key]) -> frozenset[Key]:
        before = self._used.pop(agent, _NOBODY)
        for used in before - now:
            self._users[used].discard(agent)
            if not self._users[used]:
                del self._users[used]
        for used in now:
            self._users[used].add(agent)
        if now:
            self._used[agent] = now
        return before ^ now


def _named_by(agent: Manifest) -> frozenset[Key]:
    """Tolerant of any shape: an object that cannot be parsed names what can still be found."""
    namespace = agent["metadata"].get("namespace", "")
    knowledge = _at(agent, "spec", "template", "knowledge")
    found = [
        *(
            Key("KnowledgeBase", namespace, _at(each, "name"))
            for each in (knowledge if isinstance(knowledge, list) else ())
        ),
        Key("ModelEndpoint", namespace, _at(agent, "spec", "template", "model", "modelRef", "name")),
        Key("ModelEndpoint", namespace, _at(agent, "spec", "template", "model", "judgeRef", "name")),
        Key("SupportAgentClass", "", _at(agent, "spec", "classRef", "name")),
    ]
    return frozenset(key for key in found if isinstance(key.name, str) and key.name)


def _at(value: Any, *steps: str) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value
