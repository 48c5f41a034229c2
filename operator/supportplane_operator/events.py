"""Changes of conditions to Events, which ``kubectl describe`` and ``supportplane why`` show. Pure; ``apply`` writes.

The first status of an object makes no events, except for what is wrong with it from the start.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime

from supportplane_crds.names import FIELD_MANAGER
from supportplane_crds.reasons import ConditionType
from supportplane_operator.snapshot import Manifest

NEGATIVE = frozenset({ConditionType.DEGRADED, ConditionType.STALLED})  # True of these is what is wrong
_LONGEST = 1024  # the API server's limit for a note


def transitions(raw: Manifest, conditions: Iterable[Manifest], now: datetime) -> tuple[Manifest, ...]:
    """One Event for each condition whose status or reason is not what the object said before."""
    return tuple(_event(raw, condition, now) for condition in _changed(raw, conditions))


def _changed(raw: Manifest, conditions: Iterable[Manifest]) -> Iterator[Manifest]:
    before = {each["type"]: each for each in (raw.get("status") or {}).get("conditions") or ()}
    for condition in conditions:
        old = before.get(condition["type"])
        if old is None:
            if not before and is_wrong(condition):
                yield condition
        elif (old["status"], old["reason"]) != (condition["status"], condition["reason"]):
            yield condition


def is_wrong(condition: Manifest) -> bool:
    """Whether a person should look: a bad thing holds, or a good one does not."""
    return bool(condition["status"] == ("True" if condition["type"] in NEGATIVE else "False"))


def _event(raw: Manifest, condition: Manifest, now: datetime) -> Manifest:
    metadata = raw["metadata"]
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    message = f"{condition['type']} is {condition['status']}: {condition.get('message') or condition['reason']}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": _name(raw, condition, now), "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": raw["apiVersion"],
            "kind": raw["kind"],
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "type": "Warning" if is_wrong(condition) else "Normal",
        "reason": condition["reason"],
        "message": message[:_LONGEST],
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }


def _name(raw: Manifest, condition: Manifest, now: datetime) -> str:
    """The same for the same transition, so that writing it twice writes it once."""
    parts = (raw["metadata"]["uid"], condition["type"], condition["status"], condition["reason"], str(now.timestamp()))
    return f"{raw['metadata']['name']}.{hashlib.sha256('/'.join(parts).encode()).hexdigest()[:16]}"
