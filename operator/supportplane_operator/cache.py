"""What the cluster was last seen to hold, as small as it can be kept: compressed JSON without what nobody reads.

``watch`` fills it, ``apply`` puts in what the server answered to a write, ``observe`` reads it. An older version of an
object never replaces a newer one, so a reconcile sees its own writes. In one event loop only: nothing is locked.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from supportplane_crds.names import FIELD_MANAGER, LABEL_AGENT, LABEL_MODEL
from supportplane_operator.snapshot import Manifest

_FAST = 1  # a third of the size for 40 microseconds an object, measured on a Deployment


class Key(NamedTuple):
    """An object of the cluster; what the queue holds and what reconciles are named by."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class _Entry:
    packed: bytes
    version: int
    owner: Key | None


class Cache:
    """Objects by key, and children by whom they were made for."""

    def __init__(self) -> None:
        self._entries: dict[Key, _Entry] = {}
        self._owned: defaultdict[Key, set[Key]] = defaultdict(set)

    def put(self, manifest: Manifest) -> bool:
        """Remember it. False when just this or a newer version was known already.

        One version can read in two ways: while a CRD changes, a watch that began before leaves out the new fields.
        """
        key, found = key_of(manifest), _entry(manifest)
        known = self._entries.get(key)
        if known is not None and (known.version > found.version or known == found):
            return False
        self.drop(key)
        self._entries[key] = found
        if found.owner is not None:
            self._owned[found.owner].add(key)
        return True

    def drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None and entry.owner is not None:
            self._owned[entry.owner].discard(key)
            if not self._owned[entry.owner]:
                del self._owned[entry.owner]

    def get(self, key: Key) -> Manifest | None:
        entry = self._entries.get(key)
        return None if entry is None else _unpacked(entry.packed)

    def owned_by(self, owner: Key) -> list[Manifest]:
        """Everything that carries the owner's label: children and pods."""
        return [_unpacked(self._entries[key].packed) for key in sorted(self._owned.get(owner, ()))]

    def keys(self, kind: str, namespace: str | None = None) -> list[Key]:
        return [key for key in self._entries if key.kind == kind and namespace in {None, key.namespace}]

    def missing(self, kind: str, namespace: str | None, present: Iterable[Key]) -> list[Key]:
        """What a complete listing no longer has."""
        listed = set(present)
        return [key for key in self.keys(kind, namespace) if key not in listed]

    def __len__(self) -> int:
        return len(self._entries)


def _entry(manifest: Manifest) -> _Entry:
    packed = zlib.compress(orjson.dumps(_without_noise(manifest), option=orjson.OPT_SORT_KEYS), _FAST)
    return _Entry(packed, version_of(manifest), owner_of(manifest))


def key_of(manifest: Manifest) -> Key:
    metadata = manifest["metadata"]
    return Key(manifest["kind"], metadata.get("namespace", ""), metadata["name"])


def version_of(manifest: Manifest) -> int:
    """The API server counts versions up; comparing them is allowed since Kubernetes 1.35 and was true before."""
    return int(manifest["metadata"].get("resourceVersion") or 0)


def owner_of(manifest: Manifest) -> Key | None:
    """For whom an object was made, by its labels."""
    metadata = manifest["metadata"]
    labels = metadata.get("labels") or {}
    for label, kind in ((LABEL_AGENT, "SupportAgent"), (LABEL_MODEL, "ModelEndpoint")):
        if label in labels:
            return Key(kind, metadata.get("namespace", ""), labels[label])
    return None


def _without_noise(manifest: Manifest) -> Manifest:
    """Of the managed fields only what the operator itself applied."""
    metadata = dict(manifest["metadata"])
    ours = [each for each in metadata.pop("managedFields", None) or () if _is_applied_by_us(each)]
    return {**manifest, "metadata": {**metadata, "managedFields": ours} if ours else metadata}


def _is_applied_by_us(entry: Manifest) -> bool:
    return (
        entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" and entry.get("subresource") is None
    )


def _unpacked(packed: bytes) -> Manifest:
    manifest: Manifest = orjson.loads(zlib.decompress(packed))
    return manifest
