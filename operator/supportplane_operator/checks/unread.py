"""What exists and is named by the agent, but was stored under another version of the contract. Other checks ask."""

from supportplane_crds import Reason
from supportplane_operator.render.plan import Plan


def misunderstood(plan: Plan, kind: str | None = None) -> tuple[Reason, str] | None:
    """Reason and sentence of the first such object, of any kind or of one; None when all can be read."""
    found = next((each for each in plan.snapshot.unread if kind in {None, each.kind}), None)
    if found is None:
        return None
    sentence = f"{found.kind} {found.name}: {found.sentence}"
    if found.is_newer:
        return Reason.UNSUPPORTED_FEATURE, f"{sentence}; update the operator, or take it out"
    return Reason.INVALID_REFERENCE, f"{sentence}; correct it"
