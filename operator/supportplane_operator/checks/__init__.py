"""A plan to verdicts: a list of pure named checks, each about one condition. ``reconcile`` calls ``run``.

The order is the order in which a person would look: the first False among what customers need is the reason of
``Ready``. ``conditions`` makes the status of the verdicts.
"""

from collections.abc import Callable, Sequence

from supportplane_crds import ConditionType, Reason
from supportplane_operator.checks import (
    answers,
    companions,
    optional,
    persistence,
    references,
    routes,
    workloads,
)
from supportplane_operator.conditions import FAILS, Impact, Verdict
from supportplane_operator.errors import WriteRefused
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import BaseSnapshot, EndpointSnapshot

CHECKS: tuple[Callable[[Plan], Verdict], ...] = (
    references.accepted,
    references.resolved_refs,
    workloads.available,
    persistence.persistence_ready,
    answers.model_ready,
    answers.knowledge_ready,
    routes.gateway_ready,
    workloads.progressing,
    workloads.scaling_active,
    optional.components,
    optional.certificate,
    optional.left_out,
)
_QUOTA = ("exceeded quota", "violates PodSecurity", "admission webhook")


def run(plan: Plan) -> tuple[Verdict, ...]:
    """Every check's verdict on an agent."""
    return tuple(check(plan) for check in CHECKS)


def run_endpoint(snapshot: EndpointSnapshot) -> tuple[Verdict, ...]:
    return (companions.endpoint_ready(snapshot),)


def run_base(snapshot: BaseSnapshot) -> tuple[Verdict, ...]:
    return (companions.base_ready(snapshot),)


def obstacle(plan: Plan) -> str | None:
    """Why ``render`` makes nothing new of this agent, as a sentence; None when it does."""
    if not plan.is_blocked:
        return None
    checks = (references.accepted, references.resolved_refs, persistence.persistence_ready)
    return next(found.message for found in (check(plan) for check in checks) if found.ok is False)


def refused(refusals: Sequence[WriteRefused]) -> tuple[Verdict, ...]:
    """What the API server did not take, to be added to the verdicts: nothing goes on until it does."""
    if not refusals:
        return ()
    first = refusals[0]
    reason = Reason.QUOTA_EXCEEDED if any(word in first.reason for word in _QUOTA) else Reason.APPLY_FAILED
    message = f"{first}; correct the agent, or what refuses it"
    return (Verdict(FAILS, ConditionType.PROGRESSING, reason, message, Impact.DEGRADED),)
