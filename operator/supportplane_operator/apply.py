"""The only writer: children by server-side apply, what is no longer wanted deleted, status, finalizer, events.

``reconcile`` calls it with what ``render`` and ``conditions`` made; nothing is decided here but whether a write is
needed at all. Every answer goes into the cache, so the next reconcile sees it. Before every request the Lease is asked:
a replica that lost it writes nothing more.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from lightkube import ApiError, AsyncClient
from lightkube.types import CascadeType, PatchType

from supportplane_crds.names import FINALIZER, LABEL_MANAGED_BY, MANAGED_BY
from supportplane_operator.cache import Cache, Key, key_of, owner_of
from supportplane_operator.cluster import status_code, understood
from supportplane_operator.drift import is_within, needs_apply, projected
from supportplane_operator.errors import NotLeading, WriteConflict, WriteRefused
from supportplane_operator.metrics import Metrics
from supportplane_operator.resources import AGENT, BASE, BY_KIND, ENDPOINT, EVENT, typed, typed_status
from supportplane_operator.snapshot import ChildKey, Manifest

log = structlog.get_logger()
_CLASSES = {kind: typed(resource) for kind, resource in BY_KIND.items() if resource.is_namespaced}
# Server-side apply meets no conflict on these kinds, so the object is read first to see whether it is ours.
_MERGED_SILENTLY = frozenset({"Certificate", "Cluster", "ConfigMap", "PersistentVolumeClaim", "PrometheusRule"})
_ACCOUNT = "ServiceAccount"
_STATUSES = {resource.kind: typed_status(resource) for resource in (AGENT, ENDPOINT, BASE)}
_Event: Any = typed(EVENT)
_SOMEBODY_ELSES = "an object of this name exists and was not made by the operator"


@dataclass(frozen=True, slots=True)
class Changes:
    """What a reconcile did to children. refused: what the API server did not take, with its words."""

    applied: tuple[ChildKey, ...] = ()
    deleted: tuple[ChildKey, ...] = ()
    refused: tuple[WriteRefused, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.applied or self.deleted)


@dataclass
class Writer:
    """The client with all that a write needs. may_write: whether this replica leads."""

    client: AsyncClient
    cache: Cache
    metrics: Metrics
    may_write: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    _status_at: dict[Key, float] = field(default_factory=dict)
    _normal: dict[Key, tuple[str, Manifest]] = field(default_factory=dict)

    def status_waits_s(self, key: Key, interval_s: float) -> float:
        """How long until a status may be written again that has nothing new but numbers."""
        return self._status_at.get(key, self.clock() - interval_s) + interval_s - self.clock()

    def status_written(self, key: Key) -> None:
        self._status_at[key] = self.clock()

    def forget(self, key: Key) -> None:
        self._status_at.pop(key, None)

    def normal(self, wanted: Manifest) -> Manifest | None:
        """How the server wrote the same object down before, where it changes values (500m for 0.5)."""
        fingerprint, form = self._normal.get(key_of(wanted), ("", None))
        return form if form is not None and fingerprint == _fingerprint(wanted) else None

    def remember(self, wanted: Manifest, stored: Manifest) -> None:
        if is_within(wanted, stored):
            self._normal.pop(key_of(wanted), None)
        else:
            self._normal[key_of(wanted)] = (_fingerprint(wanted), projected(wanted, stored))

    def count(self, kind: str, verb: str) -> None:
        """Called right before a request. Raises NotLeading when another replica holds the Lease."""
        if not self.may_write():
            raise NotLeading(f"{verb} of a {kind}: the Lease is not held")
        self.metrics.writes.labels(kind, verb).inc()


async def converge(
    writer: Writer, wanted: Sequence[Manifest], existing: Mapping[ChildKey, Manifest], *, owner_uid: str
) -> Changes:
    """Bring an owner's children to what is wanted: write those that differ, then delete those no longer wanted."""
    applied, refused = await apply_children(writer, wanted, existing)
    deleted = await prune(writer, wanted, existing, owner_uid=owner_uid)
    return Changes(applied, deleted, refused)


async def apply_children(
    writer: Writer, wanted: Iterable[Manifest], existing: Mapping[ChildKey, Manifest]
) -> tuple[tuple[ChildKey, ...], tuple[WriteRefused, ...]]:
    """Write what differs, in order. One refusal does not stop the rest; it is handed back to be told."""
    applied: list[ChildKey] = []
    refused: list[WriteRefused] = []
    for child in wanted:
        key = (child["kind"], child["metadata"]["name"])
        live = existing.get(key)
        if not needs_apply(child, live, normal=writer.normal(child)):
            continue
        try:
            _check_account(child, refused)
            await _apply(writer, child, is_new=live is None)
            applied.append(key)
        except WriteRefused as refusal:
            log.warning("write_refused", kind=refusal.kind, name=refusal.name, reason=refusal.reason)
            refused.append(refusal)
    return tuple(applied), tuple(refused)


async def prune(
    writer: Writer, wanted: Iterable[Manifest], existing: Mapping[ChildKey, Manifest], *, owner_uid: str
) -> tuple[ChildKey, ...]:
    """Delete children that go with the owner and are no longer wanted. One without a reference to it is kept data."""
    keep = {(child["kind"], child["metadata"]["name"]) for child in wanted}
    gone = [key for key, live in existing.items() if key not in keep and _goes_with(live, owner_uid)]
    for key in gone:
        await _delete(writer, existing[key])
    return tuple(gone)


async def write_status(writer: Writer, raw: Manifest, status: Manifest) -> None:
    """Replace the status that the operator wrote before. Fields of another field manager are taken over."""
    kind, metadata = raw["kind"], raw["metadata"]
    body = {**_head(raw), "status": status}
    writer.count(kind, "status")
    with understood(kind, metadata["name"]):
        stored = await writer.client.patch(
            _STATUSES[kind],
            metadata["name"],
            body,
            namespace=metadata["namespace"],
            patch_type=PatchType.APPLY,
            force=True,
        )
    writer.cache.put(dict(stored))
    writer.status_written(key_of(raw))


async def set_finalizer(writer: Writer, raw: Manifest, *, wanted: bool) -> None:
    """Put our finalizer on or take it off. Raises WriteConflict when the object changed since it was read."""
    kind, metadata = raw["kind"], raw["metadata"]
    others = [each for each in metadata.get("finalizers") or () if each != FINALIZER]
    finalizers = [*others, FINALIZER] if wanted else others
    body = {"metadata": {"finalizers": finalizers, "resourceVersion": metadata["resourceVersion"]}}
    writer.count(kind, "finalizer")
    with understood(kind, metadata["name"]):
        stored = await writer.client.patch(
            _CLASSES[kind], metadata["name"], body, namespace=metadata["namespace"], patch_type=PatchType.MERGE
        )
    writer.cache.put(dict(stored))


async def write_event(writer: Writer, event: Manifest) -> None:
    """Create it. Events are a courtesy: one that is refused is logged and nothing else fails."""
    writer.count(EVENT.kind, "event")
    try:
        with understood(EVENT.kind, event["metadata"]["name"]):
            await writer.client.create(  # type: ignore[call-overload]  # lightkube's overloads do not know Any
                _Event(event), namespace=event["metadata"]["namespace"]
            )
    except (WriteConflict, WriteRefused) as refusal:
        log.info("event_not_written", error=str(refusal))


def _check_account(child: Manifest, refused: Iterable[WriteRefused]) -> None:
    """Pods never run as a service account that the operator did not make: an editor would borrow its rights."""
    account = child.get("spec", {}).get("template", {}).get("spec", {}).get("serviceAccountName")
    if any(each.kind == _ACCOUNT and each.name == account for each in refused):
        raise WriteRefused(
            f"its pods need ServiceAccount {account}, which is not the operator's",
            kind=child["kind"],
            name=child["metadata"]["name"],
        )


async def _apply(writer: Writer, child: Manifest, *, is_new: bool) -> None:
    """New objects are applied without force: one of that name which is not ours is not taken over."""
    kind, metadata = child["kind"], child["metadata"]
    if is_new and kind in {_ACCOUNT, *_MERGED_SILENTLY} and not await _is_ours(writer, child):
        raise WriteRefused(_SOMEBODY_ELSES, kind=kind, name=metadata["name"])
    try:
        with understood(kind, metadata["name"]):
            stored = await _patch(writer, child, force=not is_new)
    except WriteConflict:
        if not is_new or not await _is_ours(writer, child):
            raise WriteRefused(_SOMEBODY_ELSES, kind=kind, name=metadata["name"]) from None
        with understood(kind, metadata["name"]):
            stored = await _patch(writer, child, force=True)
    writer.remember(child, stored)
    writer.cache.put(stored)


async def _patch(writer: Writer, child: Manifest, *, force: bool) -> Manifest:
    metadata = child["metadata"]
    writer.count(child["kind"], "apply")
    stored = await writer.client.patch(
        _CLASSES[child["kind"]],
        metadata["name"],
        child,
        namespace=metadata["namespace"],
        patch_type=PatchType.APPLY,
        force=force,
    )
    return dict(stored)


async def _is_ours(writer: Writer, child: Manifest) -> bool:
    """Whether the object was made for the same owner (a person only removed its labels), or does not exist."""
    kind, metadata = child["kind"], child["metadata"]
    with understood(kind, metadata["name"]):
        try:
            live = await writer.client.get(_CLASSES[kind], metadata["name"], namespace=metadata["namespace"])
        except ApiError as error:
            if status_code(error) == 404:
                return True
            raise
    wanted = {each["uid"] for each in metadata.get("ownerReferences") or ()}
    is_owned = any(each["uid"] in wanted for each in live["metadata"].get("ownerReferences") or ())
    return is_owned or _is_marked(live, child)


def _is_marked(live: Manifest, child: Manifest) -> bool:
    """It bears the labels that the operator gives, although no watch has told of it yet."""
    labels = live["metadata"].get("labels") or {}
    return labels.get(LABEL_MANAGED_BY) == MANAGED_BY and owner_of(live) == owner_of(child)


async def _delete(writer: Writer, live: Manifest) -> None:
    kind, metadata = live["kind"], live["metadata"]
    writer.count(kind, "delete")
    try:
        await writer.client.delete(
            _CLASSES[kind], metadata["name"], namespace=metadata["namespace"], cascade=CascadeType.BACKGROUND
        )
    except ApiError as error:
        if status_code(error) != 404:
            with understood(kind, metadata["name"]):
                raise
    writer.cache.drop(key_of(live))


def _goes_with(live: Manifest, owner_uid: str) -> bool:
    metadata = live["metadata"]
    is_owned = any(each.get("uid") == owner_uid for each in metadata.get("ownerReferences") or ())
    return is_owned and "deletionTimestamp" not in metadata


def _head(raw: Manifest) -> dict[str, Any]:
    metadata = raw["metadata"]
    return {
        "apiVersion": raw["apiVersion"],
        "kind": raw["kind"],
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
    }


def _fingerprint(wanted: Manifest) -> str:
    return hashlib.sha256(orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS)).hexdigest()
