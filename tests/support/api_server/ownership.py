"""Who owns which field of an object: the managed fields after an apply, and after any other write. Pure.

``operations`` hands in the stored object and what is asked for; the answer is the new object with new managed fields.
The rules are those of Kubernetes' server-side apply, for one version of a kind.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from support.api_server import fields
from support.api_server.fields import NOTHING, Fields, Path
from support.api_server.refusals import fields_of_others, untyped
from support.api_server.shapes import Node

Object = dict[str, Any]
# What every object has and nobody owns.
_SYSTEM = (
    *("name", "namespace", "creationTimestamp", "uid", "generation", "managedFields", "resourceVersion", "selfLink"),
    *("deletionTimestamp", "deletionGracePeriodSeconds"),
)
_NOBODYS: Fields = frozenset(
    {("f:apiVersion",), ("f:kind",), ("f:metadata",), *(("f:metadata", f"f:{name}") for name in _SYSTEM)}
)


class Owner(NamedTuple):
    """One entry of managed fields. operation: Apply or Update."""

    manager: str
    operation: str
    api_version: str
    subresource: str = ""

    @property
    def title(self) -> str:
        """As conflicts call the owner."""
        place = f' with subresource "{self.subresource}"' if self.subresource else ""
        return f'"{self.manager}"{place}' + (f" using {self.api_version}" if self.operation == "Update" else "")


@dataclass(frozen=True, slots=True)
class Claim:
    fields: Fields
    time: str


Owners = dict[Owner, Claim]


def applied(node: Node, live: Object, wanted: Object, owner: Owner, *, force: bool, now: str) -> Object:
    """Raises Refused for another's field without force, and for a field that the kind does not have."""
    try:
        claimed = fields.fields_of(node, wanted) - _NOBODYS
    except fields.Wrong as wrong:
        name, group = wanted["metadata"]["name"], "/".join(wanted["apiVersion"].rpartition("/")[::2])
        raise untyped(f"/{name}; {group}, Kind={wanted['kind']}", str(wrong)) from wrong
    owners = owners_of(live)
    before = owners.get(owner, Claim(NOTHING, "")).fields
    owners[owner] = Claim(claimed, now)
    found = _pruned(node, fields.merged(node, live, wanted), before, owners)
    change = fields.compared(node, _bare(live), _bare(found))
    _yield(owners, owner, change, force=force)
    return with_owners(found, owners)


def updated(node: Node, live: Object, found: Object, owner: Owner, now: str) -> Object:
    """The object after a write that is no apply: who changed a field owns the field."""
    owners = owners_of(live)
    change = fields.compared(node, _bare(live), _bare(found))
    _yield(owners, owner, change, force=True)
    taken = (change.added | change.modified) - _NOBODYS
    before = owners.get(owner, Claim(NOTHING, ""))
    after = (before.fields - change.removed) | taken
    if after != before.fields or taken:
        owners[owner] = Claim(after, now)
    return with_owners(found, owners)


def owners_of(live: Object) -> Owners:
    return {
        Owner(each["manager"], each["operation"], each["apiVersion"], each.get("subresource", "")): Claim(
            fields.read(each.get("fieldsV1", {})), each.get("time", "")
        )
        for each in live["metadata"].get("managedFields") or ()
    }


def with_owners(found: Object, owners: Owners) -> Object:
    entries = [_entry(owner, claim) for owner, claim in owners.items() if claim.fields]
    entries.sort(key=lambda each: (each["operation"], each["time"], each["manager"], each.get("subresource", "")))
    metadata = {key: value for key, value in found["metadata"].items() if key != "managedFields"}
    return {**found, "metadata": {**metadata, **({"managedFields": entries} if entries else {})}}


def without_times(found: Object) -> Object:
    """What is compared to tell whether a write changed anything."""
    entries = [{**each, "time": ""} for each in found["metadata"].get("managedFields") or ()]
    metadata = {key: value for key, value in found["metadata"].items() if key != "resourceVersion"}
    return {**found, "metadata": {**metadata, "managedFields": sorted(entries, key=str)}}


def _pruned(node: Node, found: Object, before: Fields, owners: Owners) -> Object:
    """Without what the manager applied before and nobody wants now."""
    if not before:
        return found
    bare = _bare(found)
    whole = fields.with_ancestors(node, fields.fields_of(node, bare))
    dropped = fields.with_ancestors(node, before)
    pruned = fields.without(node, bare, dropped)
    managed = fields.with_ancestors(node, frozenset().union(*(claim.fields for claim in owners.values())))
    pruned = fields.without(node, bare, whole - _all(node, pruned) - managed)
    pruned = fields.without(node, bare, (whole - _all(node, pruned)) & dropped)
    return {**pruned, "metadata": {**pruned.get("metadata", {}), **_system(found)}}


def _all(node: Node, value: Object) -> Fields:
    return fields.with_ancestors(node, fields.fields_of(node, value))


def _yield(owners: Owners, owner: Owner, change: fields.Difference, *, force: bool) -> None:
    """Take what changed from its owners. Raises Refused where that takes force."""
    conflicts: list[tuple[Owner, Path]] = []
    for other, claim in list(owners.items()):
        if other == owner:
            continue
        lost = claim.fields & (change.added | change.modified)
        conflicts += [(other, path) for path in sorted(lost)]
        owners[other] = Claim(claim.fields - lost - change.removed, claim.time)
    if conflicts and not force:
        raise fields_of_others([(other.title, fields.dotted(path)) for other, path in conflicts])


def _entry(owner: Owner, claim: Claim) -> dict[str, Any]:
    return {
        "manager": owner.manager,
        "operation": owner.operation,
        "apiVersion": owner.api_version,
        "time": claim.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields.written(claim.fields),
        **({"subresource": owner.subresource} if owner.subresource else {}),
    }


def _bare(found: Object) -> Object:
    """Without what the API server keeps itself."""
    return {**found, "metadata": {key: value for key, value in found["metadata"].items() if key not in _SYSTEM}}


def _system(found: Object) -> Object:
    return {key: value for key, value in found["metadata"].items() if key in _SYSTEM}
