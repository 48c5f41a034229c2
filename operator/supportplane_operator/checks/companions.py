"""Ready of a ModelEndpoint and of a KnowledgeBase."""

from supportplane_crds import ConditionType, Reason, names
from supportplane_operator.checks.pods import obstacles_of
from supportplane_operator.conditions import FAILS, HOLDS, UNKNOWN, Verdict
from supportplane_operator.snapshot import BaseSnapshot, EndpointSnapshot, Manifest

_REASONS = {str(each): each for each in Reason}


def _ready(ok: bool | None, reason: Reason, message: str) -> Verdict:
    return Verdict(ok, ConditionType.READY, reason, message)


def endpoint_ready(snapshot: EndpointSnapshot) -> Verdict:
    """A server that the operator made is ready when a pod is; the user's own server when it answered a probe."""
    spec = snapshot.endpoint.spec
    if spec.url is not None:
        return _probed(snapshot, spec.url)
    name = names.model(snapshot.name)
    found = snapshot.child("Deployment", name)
    if found is not None and found.get("status", {}).get("availableReplicas", 0) >= 1:
        return _ready(HOLDS, Reason.PROBED, f"Deployment {name} answers its probe")
    stuck = next(iter(obstacles_of(snapshot.pods)), None)
    if stuck is None:
        return _ready(FAILS, Reason.LOADING, f"Deployment {name} has no ready pod; a model may be on its way")
    reason = Reason.MODEL_FAILED if stuck.reason is Reason.CRASH_LOOPING else stuck.reason
    return _ready(FAILS, reason, stuck.message)


def _probed(snapshot: EndpointSnapshot, url: str) -> Verdict:
    if snapshot.answered is None:
        return _ready(
            UNKNOWN, Reason.STATUS_UNREADABLE, snapshot.detail or f"{url} was not asked; agents that use it are"
        )
    if snapshot.answered:
        return _ready(HOLDS, Reason.PROBED, snapshot.detail or f"{url} answers")
    return _ready(
        FAILS, Reason.MODEL_UNREACHABLE, f"{url}: {snapshot.detail or 'no answer'}; check url and credentials"
    )


def base_ready(snapshot: BaseSnapshot) -> Verdict:
    """Indexed as far as the agents that use it say so."""
    name = snapshot.base.name
    if any(source.path is not None for source in snapshot.base.spec.sources):
        message = f"KnowledgeBase {name} reads a path, which only a laptop has; use configMap or volumeClaim"
        return _ready(FAILS, Reason.PATH_NEEDS_LAPTOP, message)
    if not snapshot.agents:
        return _ready(
            UNKNOWN, Reason.INDEXING, f"No agent uses KnowledgeBase {name}; it is read for the first that does"
        )
    for agent in snapshot.agents:
        found = _knowledge_condition(agent)
        if found is None or found["status"] != "True":
            told = f": {found['message']}" if found else " has not reported yet"
            reason = _REASONS.get(found["reason"], Reason.INDEXING) if found else Reason.INDEXING
            ok = False if found and found["status"] == "False" else None
            return _ready(ok, reason, f"SupportAgent {agent['metadata']['name']}{told}")
    return _ready(HOLDS, Reason.INDEXED, "Every agent that uses it has it indexed")


def _knowledge_condition(agent: Manifest) -> Manifest | None:
    conditions = agent.get("status", {}).get("conditions", ())
    found: Manifest | None = next((each for each in conditions if each["type"] == ConditionType.KNOWLEDGE_READY), None)
    return found
