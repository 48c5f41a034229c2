"""The calls of an API server on objects in memory: get, create, replace, patch, apply, delete; garbage collection.

``serving`` puts HTTP before them. Every write goes the same way: values as stored, owners of fields, generation,
version. What is not modelled is refused by name (501).
"""

import copy
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from support.api_server import ownership, refusals, rules, values
from support.api_server.kinds import BUILTIN, Kind, defined
from support.api_server.ownership import Owner
from support.api_server.refusals import Cause
from support.api_server.storage import Object, Place, Storage

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_KEPT = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields")


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes. is_strict: unknown fields are refused, not left out. force: take fields of others."""

    manager: str
    subresource: str = ""
    is_strict: bool = False
    force: bool = False

    def owner(self, kind: Kind, operation: str) -> Owner:
        return Owner(self.manager, operation, kind.api_version, self.subresource)


def _now() -> datetime:
    return datetime.now(UTC)


class Operations:
    """clock: what times are written down."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self.storage = Storage()
        self._kinds = {(each.group, each.version, each.plural): each for each in BUILTIN}
        self._clock = clock

    def define(self, definition: dict[str, Any]) -> Kind:
        """Serve the kind of a CustomResourceDefinition from now on; the one before of this name is replaced."""
        kind = defined(definition)
        self.serve(kind)
        return kind

    def serve(self, kind: Kind) -> None:
        self._kinds[kind.group, kind.version, kind.plural] = kind

    def kind(self, group: str, version: str, plural: str) -> Kind:
        found = self._kinds.get((group, version, plural))
        if found is None:
            raise refusals.no_such_resource()
        return found

    # Reading

    def get(self, place: Place) -> Object:
        found = self.storage.get(place)
        if found is None:
            raise refusals.not_found(place.kind.about(place.name))
        return found

    # Writing

    def create(self, place: Place, body: Object, author: Author) -> Object:
        self._check_known(place.kind, body, author)
        self._check_named(place, body)
        self._check_namespace(place)
        if self.storage.get(place) is not None:
            raise refusals.already_exists(place.kind.about(place.name))
        nothing = self._nothing(place)
        found = self._valued(place, self._without_status(place.kind, body), None)
        found = {**found, "metadata": self._metadata(place, found, nothing)}
        found = ownership.updated(place.kind.schema, nothing, found, author.owner(place.kind, "Update"), self._moment)
        return self._born(place, found)

    def replace(self, place: Place, body: Object, author: Author) -> Object:
        live = self.get(place)
        self._check_named(place, body)
        if place.kind.needs_version and not body["metadata"].get("resourceVersion"):
            cause = Cause("metadata.resourceVersion", "Invalid value: 0: must be specified for an update")
            raise refusals.invalid(place.kind.about(place.name), [cause])
        if body["metadata"].get("uid") not in {None, live["metadata"]["uid"]}:
            raise refusals.conflict(place.kind.about(place.name), "Precondition failed: UID in precondition")
        return self._update(place, live, body, author)

    def patch(self, place: Place, change: Object, author: Author) -> Object:
        """A merge patch."""
        live = self.get(place)
        found = _patched(live, change)
        self._check_named(place, found)
        if found["metadata"].get("uid") != live["metadata"]["uid"]:
            cause = Cause("metadata.uid", f'Invalid value: "{found["metadata"].get("uid")}": field is immutable')
            raise refusals.invalid(place.kind.about_object(place.name), [cause])
        return self._update(place, live, found, author)

    def apply(self, place: Place, wanted: Object, author: Author) -> tuple[Object, bool]:
        """Server-side apply. Returns the object, and whether it is new."""
        self._check_applied(place, wanted)
        live = self.storage.get(place)
        if live is None and author.subresource:
            raise refusals.not_found(place.kind.about(place.name))
        if live is None:
            self._check_namespace(place)
        base = live or self._nothing(place)
        self._check_version(place, wanted, live)
        wanted = self._of_endpoint(place.kind, wanted, author)
        owner = author.owner(place.kind, "Apply")
        found = ownership.applied(place.kind.schema, base, wanted, owner, force=author.force, now=self._moment)
        owned = found["metadata"].get("managedFields")
        found = self._valued(place, found, live)
        found = {**found, "metadata": self._metadata(place, found, base) | ({"managedFields": owned} if owned else {})}
        return (self._born(place, found), True) if live is None else (self._settled(place, live, found), False)

    def delete(self, place: Place) -> tuple[Object, bool]:
        """Returns the object, and whether it is gone."""
        live = self.get(place)
        if place.kind.kind == "Namespace":
            raise refusals.not_modelled("the deletion of a namespace")
        if not live["metadata"].get("finalizers"):
            gone = self.storage.drop(place)
            self._collect()
            return gone, True
        if "deletionTimestamp" in live["metadata"]:
            return live, False
        metadata = {**live["metadata"], "deletionTimestamp": self._moment, "deletionGracePeriodSeconds": 0}
        if "generation" in metadata:
            metadata["generation"] += 1
        return self.storage.put(place, {**live, "metadata": metadata}), False

    # The way of every write

    def _update(self, place: Place, live: Object, body: Object, author: Author) -> Object:
        self._check_known(place.kind, body, author)
        self._check_version(place, body, live)
        managed = body["metadata"].get("managedFields")
        if managed is not None and managed != live["metadata"].get("managedFields"):
            raise refusals.not_modelled("a write of managed fields")
        found = self._of_endpoint_over(place.kind, live, body, author)
        found = self._valued(place, found, live)
        found = {**found, "metadata": self._metadata(place, found, live)}
        owner = author.owner(place.kind, "Update")
        found = ownership.updated(place.kind.schema, live, found, owner, self._moment)
        return self._settled(place, live, found)

    def _valued(self, place: Place, body: Object, live: Object | None) -> Object:
        """Raises Refused for what the kind's schema and rules forbid."""
        kind = place.kind
        found = values.stored(kind.schema, body, is_builtin=kind.is_builtin)
        causes = list(values.mistakes(kind.schema, found)) or self._broken(kind, found, live)
        if causes:
            raise refusals.invalid(kind.about_object(place.name), causes)
        placed: Object = {"apiVersion": kind.api_version, "kind": kind.kind, **found}
        return placed

    def _broken(self, kind: Kind, found: Object, live: Object | None) -> list[Cause]:
        if not kind.is_builtin:
            return list(rules.broken(kind.schema, found, live))
        return [] if live is None else list(_changed_for_ever(kind, live, found))

    def _metadata(self, place: Place, found: Object, live: Object) -> Object:
        """What a client sends, with what only the API server says."""
        before = {key: live["metadata"][key] for key in _KEPT if key in live["metadata"]}
        sent = {key: value for key, value in found["metadata"].items() if key not in {*_KEPT, "resourceVersion"}}
        return {**sent, **before, **_placed(place)}

    def _born(self, place: Place, found: Object) -> Object:
        metadata = {**found["metadata"], "uid": str(uuid.uuid4()), "creationTimestamp": self._moment}
        if place.kind.has_generation:
            metadata["generation"] = 1
        made = self.storage.put(place, {**found, "metadata": metadata})
        self._collect()
        return made

    def _settled(self, place: Place, live: Object, found: Object) -> Object:
        """Written when something is new. An object that was to go and has no finalizer any more goes."""
        self._check_finalizers(place, live, found)
        if place.kind.has_generation and _counts(place.kind, live) != _counts(place.kind, found):
            found = {**found, "metadata": {**found["metadata"], "generation": live["metadata"]["generation"] + 1}}
        if ownership.without_times(found) == ownership.without_times(live):
            return live
        if "deletionTimestamp" in live["metadata"] and not found["metadata"].get("finalizers"):
            self.storage.drop(place)
            self._collect()
            return {**found, "metadata": {**found["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}}
        made = self.storage.put(place, found)
        self._collect()
        return made

    # What an endpoint lets through

    def _of_endpoint(self, kind: Kind, wanted: Object, author: Author) -> Object:
        """Of an apply only what the endpoint is for: nobody claims the rest."""
        if author.subresource == "status":
            head = {key: wanted["metadata"][key] for key in ("name", "namespace") if key in wanted["metadata"]}
            return {**{key: wanted[key] for key in ("apiVersion", "kind", "status") if key in wanted}, "metadata": head}
        return self._without_status(kind, wanted)

    def _of_endpoint_over(self, kind: Kind, live: Object, body: Object, author: Author) -> Object:
        """Of any other write the same, over what is stored."""
        if author.subresource == "status":
            rest = {key: value for key, value in live.items() if key != "status"}
            return {**rest, **({"status": body["status"]} if "status" in body else {})}
        if not kind.has_status:
            return body
        return {**self._without_status(kind, body), **({"status": live["status"]} if "status" in live else {})}

    def _without_status(self, kind: Kind, body: Object) -> Object:
        return {key: value for key, value in body.items() if key != "status"} if kind.has_status else body

    # Checks

    def _check_named(self, place: Place, body: Object) -> None:
        kind, metadata = place.kind, body.get("metadata") or {}
        said = (body.get("apiVersion", kind.api_version), body.get("kind", kind.kind))
        if said != (kind.api_version, kind.kind):
            raise refusals.bad_request(f"{said[1]} in version {said[0]} cannot be handled as a {kind.kind}")
        if metadata.get("name") not in {None, place.name}:
            words = f"the name of the object ({metadata['name']}) does not match the name on the URL ({place.name})"
            raise refusals.bad_request(words)
        if metadata.get("namespace") not in {None, "", place.namespace}:
            raise refusals.bad_request("the namespace of the provided object does not match the namespace sent")
        if not _NAME.fullmatch(place.name) or len(place.name) > 253:
            words = f'Invalid value: "{place.name}": a lowercase RFC 1123 subdomain must consist of lower case letters'
            raise refusals.invalid(kind.about_object(place.name), [Cause("metadata.name", words)])

    def _check_known(self, kind: Kind, body: Object, author: Author) -> None:
        if author.is_strict and (unknown := list(values.unknown(kind.schema, body))):
            told = ", ".join(f'unknown field "{each}"' for each in unknown)
            raise refusals.bad_request(f"{kind.kind} cannot be handled as a {kind.kind}: strict decoding error: {told}")

    def _check_applied(self, place: Place, wanted: Object) -> None:
        if "apiVersion" not in wanted or "kind" not in wanted:
            raise refusals.bad_request("invalid object type: /, Kind=")
        if "managedFields" in wanted.get("metadata", {}):
            raise refusals.bad_request("metadata.managedFields must be nil")
        if _has_null(wanted):
            raise refusals.not_modelled("an apply of null")
        self._check_named(place, wanted)

    def _check_namespace(self, place: Place) -> None:
        if not place.kind.is_namespaced:
            return
        namespaces = self.kind("", "v1", "namespaces")
        self.get(Place(namespaces, "", place.namespace))

    def _check_version(self, place: Place, body: Object, live: Object | None) -> None:
        said = body["metadata"].get("resourceVersion")
        if live is not None and said not in {None, "", live["metadata"]["resourceVersion"]}:
            raise refusals.modified_meanwhile(place.kind.about(place.name))

    def _check_finalizers(self, place: Place, live: Object, found: Object) -> None:
        new = set(found["metadata"].get("finalizers") or ()) - set(live["metadata"].get("finalizers") or ())
        if new and "deletionTimestamp" in live["metadata"]:
            words = f"Forbidden: no new finalizers can be added if the object is being deleted, found {sorted(new)}"
            cause = Cause("metadata.finalizers", words, "FieldValueForbidden")
            raise refusals.invalid(place.kind.about_object(place.name), [cause])

    # Garbage

    def _collect(self) -> None:
        """Delete, in the background, what only owners had that are gone; forget a gone owner where others are left."""
        present = {each["metadata"]["uid"] for _, each in self.storage.all()}
        for place, found in self.storage.all():
            owners = found["metadata"].get("ownerReferences") or []
            left = [each for each in owners if each["uid"] in present]
            if not owners or len(left) == len(owners) or self.storage.get(place) is not found:
                continue
            if left:
                self.storage.put(place, {**found, "metadata": {**found["metadata"], "ownerReferences": left}})
            elif "deletionTimestamp" not in found["metadata"]:
                self.delete(place)

    @property
    def _moment(self) -> str:
        return self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")

    def _nothing(self, place: Place) -> Object:
        return {"apiVersion": place.kind.api_version, "kind": place.kind.kind, "metadata": _placed(place)}


def _placed(place: Place) -> Object:
    return {"name": place.name, **({"namespace": place.namespace} if place.kind.is_namespaced else {})}


def _patched(live: Any, change: Any) -> Any:
    """RFC 7386."""
    if not isinstance(change, dict):
        return copy.deepcopy(change)
    found = dict(live) if isinstance(live, dict) else {}
    for name, part in change.items():
        if part is None:
            found.pop(name, None)
        else:
            found[name] = _patched(found.get(name), part)
    return found


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(_has_null, value)))


def _counts(kind: Kind, found: Object) -> Object:
    """What a generation counts."""
    rest = {key: value for key, value in found.items() if key not in {"metadata", "status"}}
    return {**rest, "counted": found["metadata"].get(kind.counted_metadata)}


def _changed_for_ever(kind: Kind, live: Object, found: Object) -> list[Cause]:
    old, new = live.get("spec") or {}, found.get("spec") or {}
    causes = [
        Cause(f"spec.{name}", f"Invalid value: {new.get(name)}: field is immutable")
        for name in sorted(kind.fixed)
        if old.get(name) != new.get(name)
    ]
    changed = {name for name in {**old, **new} if old.get(name) != new.get(name)}
    if kind.free is not None and changed - kind.free:
        words = (
            f"Forbidden: updates to {kind.kind.lower()} spec for fields other than {sorted(kind.free)} are forbidden"
        )
        causes.append(Cause("spec", words, "FieldValueForbidden"))
    return causes
