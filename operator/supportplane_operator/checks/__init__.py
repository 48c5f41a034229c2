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
    references.accepted,  # the operator understands the agent and its class
    references.resolved_refs,  # what the agent names exists
    workloads.available,  # a pod of each role answers
    persistence.persistence_ready,  # database, cache and vector store answer
    answers.model_ready,  # the model answers
    answers.knowledge_ready,  # the documents are indexed
    routes.gateway_ready,  # the route from outside is in force
    workloads.progressing,  # the wanted revision serves
    workloads.scaling_active,  # the autoscaler reads its metrics
    optional.components,  # parts that no other condition is about answer
    optional.certificate,  # cert-manager is there to write the certificate that is asked for
    optional.left_out,  # optional APIs that the cluster lacks
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
