"""Objects as the API server has them to a tree that says why an agent is as it is. ``supportplane why`` prints it.

Pure: the command reads, this judges nothing anew. It follows what the conditions say, from the summary down to the
objects, parts and events that a failing condition is about.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from supportplane_crds import ConditionType, names
from supportplane_crds.runtime_status import CONDITIONS
from supportplane_crds.status import DEPENDENCY
from supportplane_operator.snapshot import Manifest

MOST_EVENTS = 3  # of an agent; the older ones say how it came, not why it is
_BAD_WHEN_TRUE = frozenset({ConditionType.DEGRADED, ConditionType.STALLED})
_SUMMARIES = frozenset({ConditionType.READY, ConditionType.STALLED, ConditionType.PROGRESSING})
Conditions: TypeAlias = Sequence[Manifest]


@dataclass(frozen=True, slots=True)
class Node:
    """A line. ok: None for what is neither right nor wrong, or unknown."""

    title: str
    ok: bool | None
    detail: str = ""
    children: tuple["Node", ...] = ()

    def as_values(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "title": self.title,
            "ok": self.ok,
            "detail": self.detail,
            "children": [each.as_values() for each in self.children],
        }


def tree_of(
    agent: Manifest,
    *,
    events: Iterable[Manifest] = (),
    endpoint: Manifest | None = None,
    bases: Iterable[Manifest] = (),
) -> Node:
    """events: of the agent's namespace. endpoint, bases: those it names, where they exist."""
    title = f"SupportAgent {agent['metadata'].get('namespace', 'default')}/{agent['metadata']['name']}"
    conditions = _conditions(agent)
    ready = _find(conditions, ConditionType.READY)
    if ready is None:
        detail = "no operator has looked at it yet; does one run, and does it watch this namespace?"
        return Node(title, None, detail)
    companions = {ConditionType.MODEL_READY: [endpoint] if endpoint else [], ConditionType.KNOWLEDGE_READY: list(bases)}
    failing = [
        _condition(each, agent, companions.get(each["type"], []))
        for each in conditions
        if each["type"] not in _SUMMARIES and is_bad(each)
    ]
    notes = [*_not_seen(agent), *failing, *_rollout(conditions)]
    is_well = is_true(ready) and not notes
    recent = () if is_well else _recent(agent, events)  # of an agent that is well they are stories of its start
    return Node(title, is_true(ready), _line(ready), (*notes, *recent))


def is_true(condition: Manifest) -> bool | None:
    """None is Unknown."""
    found: bool | None = {"True": True, "False": False}.get(condition["status"])
    return found


def is_bad(condition: Manifest) -> bool:
    good = "False" if condition["type"] in _BAD_WHEN_TRUE else "True"
    return bool(condition["status"] != good)


def lines(node: Node, prefix: str = "", *, is_last: bool = True, is_root: bool = True) -> list[str]:
    """As text, with marks that need no colours."""
    mark = {True: "ok  ", False: "FAIL", None: "?   "}[node.ok]
    branch = "" if is_root else ("`- " if is_last else "|- ")
    own = f"{prefix}{branch}[{mark}] {node.title}" + (f": {node.detail}" if node.detail else "")
    inner = prefix if is_root else prefix + ("   " if is_last else "|  ")
    below = [
        line
        for index, child in enumerate(node.children)
        for line in lines(child, inner, is_last=index == len(node.children) - 1, is_root=False)
    ]
    return [own, *below]


def _conditions(found: Manifest) -> Conditions:
    return list((found.get("status") or {}).get("conditions") or ())


def _find(conditions: Conditions, kind: str) -> Manifest | None:
    return next((each for each in conditions if each["type"] == kind), None)


def _line(condition: Manifest) -> str:
    message = condition.get("message", "")
    return f"{condition['type']} is {condition['status']}, {condition['reason']}" + (f": {message}" if message else "")


def _condition(condition: Manifest, agent: Manifest, companions: list[Manifest]) -> Node:
    ok = None if condition["status"] == "Unknown" else False
    children = (*_parts(agent, condition["type"]), *(_companion(each) for each in companions))
    detail = f"{condition['reason']}: {condition.get('message', '')}"
    return Node(condition["type"], ok, detail, tuple(each for each in children if each.ok is not True))


def _parts(agent: Manifest, kind: str) -> Iterable[Node]:
    """Components that are not ready and that the condition is about."""
    for each in (agent.get("status") or {}).get("components") or ():
        if not each["ready"] and CONDITIONS.get(_part_of(agent, each) or "") == kind:
            yield Node(f"{each['kind']} {each['name']}", ok=False, detail=each.get("message", ""))


def _part_of(agent: Manifest, component: Manifest) -> str | None:
    """What an entry of status.components is of; what the runtime depends on stands there by its own name."""
    if component["kind"] == DEPENDENCY:
        return str(component["name"])
    return names.component_of(agent["metadata"]["name"], component["name"])


def _companion(found: Manifest) -> Node:
    title = f"{found['kind']} {found['metadata']['name']}"
    ready = _find(_conditions(found), ConditionType.READY)
    return Node(title, is_true(ready), _line(ready)) if ready else Node(title, None, "nothing reported yet")


def _not_seen(agent: Manifest) -> Iterable[Node]:
    wanted, seen = agent["metadata"].get("generation", 0), (agent.get("status") or {}).get("observedGeneration", 0)
    if seen < wanted:
        detail = f"generation {wanted} was not looked at yet, what follows is about {seen}; does the operator run?"
        yield Node("status", None, detail)


def _rollout(conditions: Conditions) -> Iterable[Node]:
    """A change that is under way, was stopped, or has failed."""
    found = _find(conditions, ConditionType.PROGRESSING)
    if found is not None and found["reason"] != "RevisionServing":
        ok = None if found["status"] == "True" or found["reason"] == "Paused" else False
        yield Node(found["type"], ok, f"{found['reason']}: {found.get('message', '')}")


def _recent(agent: Manifest, events: Iterable[Manifest]) -> Iterable[Node]:
    """The latest warnings about what runs for the agent; its own conditions are told already."""
    about = [
        each for each in events if each.get("type") == "Warning" and _runs_for(agent, each.get("involvedObject", {}))
    ]
    latest = sorted(about, key=_when, reverse=True)[:MOST_EVENTS]
    for each in latest:
        thing = each["involvedObject"]
        message = " ".join(str(each.get("message", "")).split())
        yield Node(f"Event {thing.get('kind')} {thing.get('name')}", None, f"{each.get('reason', '')}: {message}")


def _runs_for(agent: Manifest, thing: Manifest) -> bool:
    """By its name's beginning: helpdesk-eu-gateway-1 is not of helpdesk. Budgets warn of every pod that is replaced."""
    component = names.component_of(agent["metadata"]["name"], str(thing.get("name", "")))
    return thing.get("kind") != "PodDisruptionBudget" and component is not None


def _when(event: Manifest) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")
