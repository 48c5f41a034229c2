"""Whether everybody is done with a namespace: Kubernetes' controllers with what they run, the operator with its status.

What is expected is asked for one by one. Two equal looks in a row would say nothing on a busy machine, where a
controller may just not have had its turn.
"""

from collections.abc import Callable, Iterator
from typing import Any

from support.eventually import eventually
from support.kubernetes.agent_space import Space
from supportplane_crds.names import FIELD_MANAGER, LABEL_COMPONENT
from supportplane_crds.roles import BY_NAME

_OWN = ("supportagents", "modelendpoints", "knowledgebases")


def wait_settled(space: Space, *, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Returns when nobody has anything left to write; a failure names what was still on its way."""
    try:
        eventually(lambda: not list(on_the_way(space)), "nothing is on its way any more", meanwhile=meanwhile)
    except AssertionError as late:
        raise AssertionError(f"{late}: {', '.join(on_the_way(space))}") from late


def on_the_way(space: Space) -> Iterator[str]:
    """Whatever is not yet what will be."""
    children = space.children()
    yield from (key for key, child in children.items() if not _is_done(key, child))
    for plural in _OWN:
        yield from (f"{plural}/{each['metadata']['name']}" for each in space.all(plural) if not _is_reported(each))
    yield from (name for name, sentence in _pods_to_tell(children) if not _is_told(space, sentence))


def applied(space: Space) -> dict[str, Any]:
    """What the operator says of every object that it wrote, and when it last changed it; nothing of anybody else."""
    own = {f"{plural}/{each['metadata']['name']}": each for plural in _OWN for each in space.all(plural)}
    return {
        key: [entry for entry in each["metadata"]["managedFields"] if entry["manager"] == FIELD_MANAGER]
        for key, each in (space.children() | own).items()
    }


def _is_done(key: str, child: dict[str, Any]) -> bool:
    status, generation = child.get("status", {}), child["metadata"].get("generation")
    match key.partition("/")[0]:
        case "jobs":
            return any(each["type"] == "Complete" and each["status"] == "True" for each in status.get("conditions", ()))
        case "deployments" | "statefulsets":
            counts = {status.get(f"{kind}eplicas", 0) for kind in ("r", "updatedR", "readyR", "availableR")}
            return status.get("observedGeneration") == generation and counts == {child["spec"]["replicas"]}
        case "poddisruptionbudgets":
            is_seen = status.get("observedGeneration") == generation
            return is_seen and bool(status["currentHealthy"] == status["expectedPods"] != 0)
    return True


def _is_reported(own: dict[str, Any]) -> bool:
    """The status is of the last generation, says Ready, and knows of every workload that it is."""
    status, generation = own.get("status", {}), own["metadata"]["generation"]
    conditions = {each["type"]: each for each in status.get("conditions", ())}
    is_current = {each.get("observedGeneration") for each in (status, *conditions.values())} == {generation}
    is_ready = conditions.get("Ready", {}).get("status") == "True"
    is_rolling = conditions.get("Progressing", {}).get("status") == "True"
    is_complete = all(each["ready"] for each in status.get("components", ()))
    return is_current and is_ready and not is_rolling and is_complete


def _pods_to_tell(children: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Of every Deployment that serves customers its name and what the status should say of it."""
    for key, child in children.items():
        if key.startswith("deployments/") and child["metadata"]["labels"][LABEL_COMPONENT] in BY_NAME:
            name = child["metadata"]["name"]
            yield f"the status about {name}", f"{name}: {child['status'].get('availableReplicas', 0)} ready"


def _is_told(space: Space, sentence: str) -> bool:
    messages = (
        condition["message"]
        for each in space.all("supportagents")
        for condition in each.get("status", {}).get("conditions", ())
        if condition["type"] == "Available"
    )
    return any(sentence in message.split(", ") for message in messages)
