"""Agents in the situations that an operator meets: one that answers, one without pods, and what the runtime tells."""

from dataclasses import replace
from typing import Any

from support.operator.samples import SETTINGS, applied, pod, ready, snapshot, waiting
from supportplane_crds.runtime_status import KnowledgeCount, Part, RuntimeStatus
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Snapshot

REVISION = Plan(snapshot(), SETTINGS).revision
WELL = ("database", "schema", "cache", "model", "knowledge", "orchestrator")
CRASH = waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 1}})
CONFIG_ERROR = waiting("CreateContainerConfigError", 'secret "pg" not found')
SECRET_MISSING = (pod("helpdesk-gateway-1", "gateway", **CONFIG_ERROR),)


def report(*failing: str, chunks: int = 340, optional: tuple[str, ...] = ()) -> RuntimeStatus:
    """What a gateway tells. failing: parts that do not answer. optional: parts that answers do not need."""
    components = tuple(
        Part(name, name not in failing, name not in optional, f"{name} is away" if name in failing else "fine")
        for name in WELL
    )
    return RuntimeStatus(
        version="0.1.0",
        revision=REVISION,
        mode="Auto",
        components=components,
        knowledge=(KnowledgeCount("handbook", 12, chunks),),
    )


def serving(spec: dict[str, Any] | None = None, *, apis: frozenset[str] = frozenset(), **more: Any) -> Snapshot:
    """An agent that answers: pods ready, jobs done, and the runtime says that all is well. more: what differs."""
    found = applied(snapshot(spec, apis=apis))
    status = {"Deployment": ready(), "Job": {"succeeded": 1}}
    children = {
        key: {**each, "status": status[key[0]]} if key[0] in status else each for key, each in found.children.items()
    }
    return replace(found, children=children, **{"runtime": report(), **more})


def without_pods(spec: dict[str, Any] | None = None, **more: Any) -> Snapshot:
    return replace(applied(snapshot(spec)), runtime_error="connection refused", **more)
