"""Lists and watches: pages of one version, and the changes after a version as a client's selectors see them."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from support.api_server import refusals
from support.api_server.kinds import Kind
from support.api_server.storage import Change, Object, Storage

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked for. namespace: empty for every one."""

    kind: Kind
    namespace: str
    fits: Callable[[Object], bool]
    is_selective: bool = False

    def holds(self, change: Change) -> bool:
        return change.place.kind == self.kind and self.namespace in {"", change.place.namespace}


@dataclass(frozen=True, slots=True)
class _Rest:
    """What pages are left of a list. version: of the whole list."""

    version: int
    objects: list[Object]


class Pages:
    """Lists, in pages where the client says so. Every page is of the moment when the first was asked for."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._rests: dict[str, _Rest] = {}

    def page(self, scope: Scope, *, limit: int = 0, token: str = "") -> Object:
        rest = self._rest(token) if token else self._whole(scope)
        size = limit or len(rest.objects)
        shown, left = rest.objects[:size], rest.objects[size:]
        metadata: dict[str, Any] = {"resourceVersion": str(rest.version)}
        if left:
            metadata["continue"] = secrets.token_urlsafe(8)
            self._rests[metadata["continue"]] = _Rest(rest.version, left)
            if not scope.is_selective:
                metadata["remainingItemCount"] = len(left)
        head = {"kind": f"{scope.kind.kind}List", "apiVersion": scope.kind.api_version, "metadata": metadata}
        return {**head, "items": [_listed(scope.kind, each) for each in shown]}

    def _whole(self, scope: Scope) -> _Rest:
        found = [each for _, each in self._storage.of(scope.kind, scope.namespace) if scope.fits(each)]
        return _Rest(self._storage.version, found)

    def _rest(self, token: str) -> _Rest:
        found = self._rests.get(token)
        if found is None:
            raise refusals.bad_request("invalid continue token")
        if found.version < self._storage.oldest:
            raise refusals.expired("The provided continue parameter is too old to display a consistent list result.")
        return found


def _listed(kind: Kind, found: Object) -> Object:
    """Built-in kinds leave out of a list what the list itself says."""
    return {key: value for key, value in found.items() if not (kind.is_builtin and key in {"apiVersion", "kind"})}


async def watch(storage: Storage, scope: Scope, version: str, *, for_s: float) -> AsyncIterator[Event]:
    """Every change after the version; without a version, or 0, everything that is there first. Ends after for_s."""
    ends = time.monotonic() + for_s
    seen = storage.version if version in {"", "0"} else int(version)
    if version in {"", "0"}:
        for _, each in storage.of(scope.kind, scope.namespace):
            if scope.fits(each):
                yield {"type": "ADDED", "object": each}
    while True:
        if seen < storage.oldest:
            too_old = refusals.expired(f"too old resource version: {seen} ({storage.oldest})")
            yield {"type": "ERROR", "object": too_old.status()}
            return
        for change in storage.after(seen):
            seen = change.version
            event = _event(scope, change) if scope.holds(change) else None
            if event is not None:
                yield event
        try:
            async with asyncio.timeout(ends - time.monotonic()):
                while storage.version == seen:
                    await storage.change()
        except TimeoutError:
            return


def _event(scope: Scope, change: Change) -> Event | None:
    """What the change is for these selectors: an object that no longer fits is gone for who watches."""
    was = change.before is not None and scope.fits(change.before)
    now = change.after if change.after is not None and scope.fits(change.after) else None
    if now is not None:
        return {"type": "MODIFIED" if was else "ADDED", "object": now}
    if not was or change.before is None:
        return None
    metadata = {**change.before["metadata"], "resourceVersion": str(change.version)}
    return {"type": "DELETED", "object": {**change.before, "metadata": metadata}}
