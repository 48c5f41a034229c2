"""Every object of the server with its versions, and what happened since: what lists and watches are answered from.

One counter numbers every write of every kind, as etcd does. The history can be forgotten (``compact``), after which an
older version is too old to watch from. In one event loop only.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from support.api_server.kinds import Kind

Object = dict[str, Any]


class Place(NamedTuple):
    """Where an object is. namespace: empty for a kind without."""

    kind: Kind
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Change:
    """One write. before, after: None for an object that was not there, or is not there any more."""

    version: int
    place: Place
    before: Object | None
    after: Object | None


class Storage:
    """oldest: the version from which on the history is complete."""

    def __init__(self) -> None:
        self.version = 1
        self.oldest = 1
        self.history: list[Change] = []
        self._objects: dict[Place, Object] = {}
        self._changed = asyncio.Event()

    def get(self, place: Place) -> Object | None:
        return self._objects.get(place)

    def put(self, place: Place, found: Object) -> Object:
        """Returns the object with its new version."""
        version = self.version + 1
        after = {**found, "metadata": {**found["metadata"], "resourceVersion": str(version)}}
        self._tell(Change(version, place, self._objects.get(place), after))
        self._objects[place] = after
        return after

    def drop(self, place: Place) -> Object:
        """Returns the object as it last was."""
        before = self._objects.pop(place)
        self._tell(Change(self.version + 1, place, before, None))
        return before

    def of(self, kind: Kind, namespace: str = "") -> list[tuple[Place, Object]]:
        """By namespace and name. namespace: empty for every one."""
        found = [
            (place, each)
            for place, each in self._objects.items()
            if place.kind == kind and namespace in {"", place.namespace}
        ]
        return sorted(found, key=lambda entry: entry[0][1:])

    def all(self) -> Iterator[tuple[Place, Object]]:
        yield from list(self._objects.items())

    def after(self, version: int) -> list[Change]:
        return [each for each in self.history if each.version > version]

    def compact(self) -> None:
        """Forget the history, as etcd does every few minutes."""
        self.oldest = self.version
        self.history.clear()

    async def change(self) -> None:
        """Returns after the next write."""
        await self._changed.wait()

    def _tell(self, change: Change) -> None:
        self.version = change.version
        self.history.append(change)
        told, self._changed = self._changed, asyncio.Event()
        told.set()
