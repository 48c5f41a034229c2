"""Changes of conditions as Events, which ``kubectl describe`` and ``supportplane why`` show. Pure; ``apply`` writes.

What is as it should be on a new object is no news, except that it is Ready.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from supportplane_crds import ConditionType
from supportplane_crds.names import FIELD_MANAGER
from supportplane_operator.conditions import STALLING, timestamp
from supportplane_operator.snapshot import Manifest

MAX_MESSAGE = 1024  # the API server's limit
NEGATIVE = frozenset({ConditionType.DEGRADED, ConditionType.STALLED})  # True of these is what is wrong


def transitions(raw: Manifest, status: Mapping[str, Any], now: datetime) -> tuple[Manifest, ...]:
    """raw: the object with its old status. One Event for each thing to be said: Ready repeats what it follows."""
    before = {each["type"]: each for each in (raw.get("status") or {}).get("conditions", ())}
    news = [each for each in status.get("conditions", ()) if _is_news(before.get(each["type"]), each)]
    told = {(each["reason"], each["message"]): each for each in reversed(news)}
    return tuple(_event(raw, each, now) for each in news if told[each["reason"], each["message"]] is each)


def is_good(condition: Manifest) -> bool:
    """Whether nobody needs to look."""
    if condition["type"] == ConditionType.PROGRESSING:
        return condition["reason"] not in STALLING
    return bool(condition["status"] == ("False" if condition["type"] in NEGATIVE else "True"))


def _is_news(before: Manifest | None, now: Manifest) -> bool:
    if before is None:
        return now["type"] == ConditionType.READY or (now["status"] != "Unknown" and not is_good(now))
    return bool(before["status"] != now["status"] or before["reason"] != now["reason"])


def _event(raw: Manifest, condition: Manifest, now: datetime) -> Manifest:
    metadata, moment = raw["metadata"], timestamp(now)
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
        "type": "Normal" if is_good(condition) else "Warning",
        "reason": condition["reason"],
        "message": f"{condition['type']}: {condition['message']}"[:MAX_MESSAGE],
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }


def _name(raw: Manifest, condition: Manifest, now: datetime) -> str:
    """Unlike any other of the object."""
    parts = (raw["metadata"]["uid"], condition["type"], condition["status"], condition["reason"], now.isoformat())
    return f"{raw['metadata']['name']}.{hashlib.sha256('/'.join(parts).encode()).hexdigest()[:16]}"
