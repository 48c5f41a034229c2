"""What a change of one of our own objects means for others: whom to look at again. ``listen`` and ``resync`` tell it.

An agent concerns what it names; a companion's specification concerns the agents that name it. A change of a status
alone goes no further, or every object would keep the others awake.
"""

from collections.abc import Callable

from supportplane_crds import ConditionType
from supportplane_crds.names import ANNOTATION_READ_AGAIN
from supportplane_operator.cache import Cache, Key, key_of
from supportplane_operator.references import References
from supportplane_operator.snapshot import Manifest


class OwnKinds:
    """Keeps cache and references up to date and calls ``changed`` with every key that should be reconciled."""

    def __init__(self, cache: Cache, references: References, changed: Callable[[Key], None]) -> None:
        self._cache = cache
        self._references = references
        self._changed = changed

    def seen(self, manifest: Manifest) -> None:
        """An object as it is now. What is known already, or of an older version, changes nothing."""
        key = key_of(manifest)
        before = self._cache.get(key)
        if not self._cache.put(manifest):
            return
        self._changed(key)
        for other in self._concerned(key, before, manifest):
            self._changed(other)

    def gone(self, key: Key) -> None:
        concerned = self._references.forget(key) if key.kind == "SupportAgent" else self._references.users(key)
        self._cache.drop(key)
        for other in (key, *concerned):
            self._changed(other)

    def _concerned(self, key: Key, before: Manifest | None, now: Manifest) -> frozenset[Key]:
        if key.kind == "SupportAgent":
            changed = self._references.learn(now)
            return changed | self._references.used_by(key) if _told(before) != _told(now) else changed
        is_same = before is not None and _specified(before) == _specified(now)
        return frozenset() if is_same else self._references.users(key)


def _specified(manifest: Manifest) -> tuple[object, ...]:
    metadata = manifest["metadata"]
    asked = (metadata.get("annotations") or {}).get(ANNOTATION_READ_AGAIN)
    return metadata.get("generation"), metadata.get("deletionTimestamp"), asked


def _told(agent: Manifest | None) -> object:
    """What an agent says of its companions."""
    conditions = ((agent or {}).get("status") or {}).get("conditions") or ()
    wanted = {ConditionType.KNOWLEDGE_READY, ConditionType.MODEL_READY}
    return [(each["type"], each["status"], each["reason"]) for each in conditions if each["type"] in wanted]
