"""Verdicts to the status of an object: conditions that keep their time, numbers, parts.

``checks`` makes the verdicts, ``apply`` writes what comes out. Pure: the time is handed in. ``Ready``, ``Degraded`` and
``Stalled`` are summed up here; every other condition is a verdict as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from supportplane_crds import ConditionType, Reason, names
from supportplane_crds.reasons import Trait, reasons_with
from supportplane_crds.status import DEPENDENCY
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import BaseSnapshot, EndpointSnapshot, Manifest, Snapshot

MAX_MESSAGE = 1024  # of a component in the CRD; conditions may be longer, but nobody reads more, and pods say some

HOLDS: Final = True
FAILS: Final = False
UNKNOWN: Final = None
"""What a verdict says of its condition."""


class Impact(StrEnum):
    """What a verdict that is not True means for customers."""

    READY = "Ready"  # no answers
    DEGRADED = "Degraded"  # answers, with something broken
    NONE = "None"  # nothing


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found. ok: None is Unknown. type: of the condition. message: names the object and the way out."""

    ok: bool | None
    type: ConditionType
    reason: Reason
    message: str
    impact: Impact = Impact.READY


STALLING = reasons_with(Trait.NEEDS_A_PERSON)
"""Nothing gets better until a person changes something."""

# From what most others come of to what comes of it: a gateway without an index is not ready (ADR 0019).
_EFFECTS = (Reason.INDEXING, Reason.PODS_UNAVAILABLE, Reason.ROUTE_PENDING, Reason.LOADING)
_WORDS = {True: "True", False: "False", None: "Unknown"}


# Conditions


def conditions_of(
    verdicts: Iterable[Verdict], *, previous: Sequence[Manifest], generation: int, now: datetime
) -> list[Manifest]:
    """In the order of ConditionType. A later verdict of a type replaces an earlier one."""
    known = {each["type"]: each for each in previous}
    latest = {each.type: each for each in verdicts}
    ordered = (latest[kind] for kind in ConditionType if kind in latest)
    return [_condition(each, known.get(each.type), generation=generation, now=now) for each in ordered]


def _condition(verdict: Verdict, before: Manifest | None, *, generation: int, now: datetime) -> Manifest:
    status = _WORDS[verdict.ok]
    is_same = before is not None and before["status"] == status
    return {
        "type": str(verdict.type),
        "status": status,
        "reason": str(verdict.reason),
        "message": verdict.message[:MAX_MESSAGE],
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if before and is_same else timestamp(now),
    }


def timestamp(now: datetime) -> str:
    """As Kubernetes writes times: UTC, whole seconds."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def summarised(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts with Degraded, Ready and Stalled. Verdicts of the type Degraded only count towards it."""
    own = [each for each in verdicts if each.type is not ConditionType.DEGRADED]
    return [*own, _degraded(verdicts), _ready(verdicts), _stalled(verdicts)]


def _ready(verdicts: Sequence[Verdict]) -> Verdict:
    """The first thing that is wrong, False before Unknown, a cause before what comes of it."""
    wrong = [each for each in verdicts if each.impact is Impact.READY and each.ok is not True]
    needed = sorted(wrong, key=lambda each: _EFFECTS.index(each.reason) + 1 if each.reason in _EFFECTS else 0)
    for ok in (False, None):
        worst = next((each for each in needed if each.ok is ok), None)
        if worst is not None:
            return Verdict(ok, ConditionType.READY, worst.reason, worst.message)
    return Verdict(HOLDS, ConditionType.READY, Reason.SERVING, "The agent answers customers")


def _degraded(verdicts: Sequence[Verdict]) -> Verdict:
    broken = [each for each in verdicts if each.impact is Impact.DEGRADED and each.ok is False]
    notes = [each.message for each in verdicts if each.type is ConditionType.DEGRADED and each.ok and each.message]
    told = [each.message for each in broken] or ["Nothing is broken"]
    message = "; ".join(dict.fromkeys((*told, *notes)))
    if broken:
        return Verdict(HOLDS, ConditionType.DEGRADED, broken[0].reason, message, Impact.NONE)
    return Verdict(FAILS, ConditionType.DEGRADED, Reason.AS_EXPECTED, message, Impact.NONE)


def _stalled(verdicts: Sequence[Verdict]) -> Verdict:
    stuck = (each for each in verdicts if each.ok is False and each.impact is not Impact.NONE)
    found = next((each for each in stuck if each.reason in STALLING), None)
    if found is None:
        return Verdict(FAILS, ConditionType.STALLED, Reason.AS_EXPECTED, "Nothing waits for a person", Impact.NONE)
    return Verdict(HOLDS, ConditionType.STALLED, found.reason, found.message, Impact.NONE)


# Whole statuses


def status_of(plan: Plan, verdicts: Sequence[Verdict], now: datetime) -> Manifest:
    """The status object of an agent; equal to the old one when nothing changed."""
    snapshot = plan.snapshot
    gateway = (snapshot.child("Deployment", names.gateway(snapshot.name)) or {}).get("status", {})
    found = {
        "observedGeneration": snapshot.generation,
        "conditions": conditions_of(
            summarised(verdicts),
            previous=snapshot.status.get("conditions", ()),
            generation=snapshot.generation,
            now=now,
        ),
        "replicas": gateway.get("replicas", 0),
        "readyReplicas": gateway.get("readyReplicas", 0),
        "selector": f"{names.LABEL_AGENT}={snapshot.name},{names.LABEL_COMPONENT}={names.ROLE_GATEWAY}",
        "revision": plan.running_revision,
        "updateRevision": plan.revision,
        "url": _url(snapshot),
        "knowledge": _knowledge(snapshot),
        "components": _components(snapshot),
    }
    return {key: value for key, value in found.items() if value is not None and value != []}


def companion_status_of(
    snapshot: EndpointSnapshot | BaseSnapshot, verdicts: Sequence[Verdict], now: datetime
) -> Manifest:
    """The status object of a ModelEndpoint or a KnowledgeBase."""
    return {
        "observedGeneration": snapshot.generation,
        "conditions": conditions_of(
            verdicts,
            previous=snapshot.status.get("conditions", ()),
            generation=snapshot.generation,
            now=now,
        ),
    }


def unusable_status_of(raw: Manifest, reason: Reason, message: str, now: datetime) -> Manifest:
    """The status of a stored object that this operator cannot read; what it said of the rest stays as it was."""
    old = raw.get("status") or {}
    generation = int(raw.get("metadata", {}).get("generation", 0))
    way = "; update the operator, or take it out" if reason is Reason.UNSUPPORTED_FEATURE else ""
    told = [
        Verdict(ok, kind, reason, f"{message}{way}")
        for kind, ok in ((ConditionType.ACCEPTED, False), (ConditionType.READY, False), (ConditionType.STALLED, True))
    ]
    previous = old.get("conditions", [])
    fresh = conditions_of(told, previous=previous, generation=generation, now=now)
    by_type = {each["type"]: each for each in (*previous, *fresh)}  # in the old order, or it would look like a change
    return {**old, "observedGeneration": generation, "conditions": list(by_type.values())}


def _url(snapshot: Snapshot) -> str:
    """From outside where there is a host name, else the Service. Without a word about TLS it is taken for granted."""
    gateway = snapshot.agent.spec.gateway
    if not gateway.hostnames:
        return f"http://{names.service_host(names.gateway(snapshot.name), snapshot.namespace)}"
    is_plain = gateway.ingress is not None and gateway.ingress.tls_secret_ref is None
    return f"{'http' if is_plain else 'https'}://{gateway.hostnames[0]}"


def _knowledge(snapshot: Snapshot) -> list[Manifest]:
    """What the runtime counted last; without an answer what was known before."""
    if snapshot.runtime is None:
        return list(snapshot.status.get("knowledge", []))
    return [
        {"name": each.name, "documents": each.documents, "chunks": each.chunks, "skipped": each.skipped}
        for each in sorted(snapshot.runtime.knowledge, key=lambda each: each.name)
    ]


def _components(snapshot: Snapshot) -> list[Manifest]:
    """Workloads by their pods, and what the runtime says of what it depends on."""
    workloads = [
        _workload(kind, name, child)
        for (kind, name), child in sorted(snapshot.children.items())
        if kind in {"Deployment", "StatefulSet", "Job", "Cluster"}
    ]
    reports = snapshot.runtime.components if snapshot.runtime else ()
    depends = [
        _component(DEPENDENCY, each.name, each.ok, None if each.ok else each.detail)
        for each in sorted(reports, key=lambda each: each.name)
        if each.ok is not None
    ]
    return [*workloads, *depends]


def _workload(kind: str, name: str, child: Manifest) -> Manifest:
    status = child.get("status", {})
    if kind == "Job":
        is_done = bool(status.get("succeeded"))
        return _component(kind, name, is_done, None if is_done else "not finished")
    if kind == "Cluster":
        wanted, ready = child.get("spec", {}).get("instances", 1), status.get("readyInstances", 0)
    else:
        wanted, ready = child.get("spec", {}).get("replicas", 1), status.get("readyReplicas", 0)
    return _component(kind, name, ready >= wanted, None if ready >= wanted else f"{ready} of {wanted} pods are ready")


def _component(kind: str, name: str, ready: bool, message: str | None) -> Manifest:
    found: dict[str, Any] = {"kind": kind, "name": name, "ready": ready}
    return {**found, "message": message[:MAX_MESSAGE]} if message else found


# What changed


def is_only_numbers(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether nothing but counts and wording changed, which can wait a minute."""
    return bool(_decisions(old) == _decisions(new))


def _decisions(status: Mapping[str, Any]) -> Any:
    conditions = [
        (each["type"], each["status"], each["reason"], each.get("observedGeneration"))
        for each in status.get("conditions", ())
    ]
    fixed = [status.get(key) for key in ("observedGeneration", "revision", "updateRevision", "url", "selector")]
    parts = [(each["kind"], each["name"], each["ready"]) for each in status.get("components", ())]
    return conditions, fixed, parts
