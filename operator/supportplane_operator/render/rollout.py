"""Which revisions of an agent should answer now, and which share of the questions each gets. Pure.

``service``, ``deployment``, ``config_map``, ``hpa`` and the checks ask it. Today a revision gets all questions or none:
the Service's selector names one revision. Shares between are further rows of ``revisions``.
"""

from dataclasses import dataclass

from supportplane_operator.render.plan import Plan

ALL = 100
NONE = 0


@dataclass(frozen=True, slots=True)
class Weighted:
    """A revision whose pods are wanted. weight: its share of the questions, in percent."""

    revision: str
    weight: int


def revisions(plan: Plan) -> tuple[Weighted, ...]:
    """The wanted revision gets everything once all its pods are available; until then the running revision does."""
    running = plan.running_revision
    if running is None or running == plan.revision or _is_available(plan):
        return (Weighted(plan.revision, ALL),)
    return (Weighted(running, ALL), Weighted(plan.revision, NONE))


def serving(plan: Plan) -> str:
    """The revision that most questions should go to."""
    return max(revisions(plan), key=lambda each: each.weight).revision


def _is_available(plan: Plan) -> bool:
    """All pods of the wanted revision are, counted by the controller that has seen the Deployment as it is now."""
    found = plan.deployment(plan.revision)
    if found is None:
        return False
    status, wanted = found.get("status", {}), found.get("spec", {}).get("replicas", 1)
    is_current = status.get("observedGeneration", 0) >= found.get("metadata", {}).get("generation", 0)
    least = max(wanted, plan.least_replicas if plan.replicas is None else 0)
    return bool(is_current and status.get("availableReplicas", 0) >= least)
