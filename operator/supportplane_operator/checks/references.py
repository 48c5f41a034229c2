"""Accepted and ResolvedRefs: is the object one that this operator can work with, and does what it names exist."""

from supportplane_crds import ConditionType, Mode, Reason
from supportplane_crds.reasons import Trait
from supportplane_operator.checks.pods import obstacles
from supportplane_operator.checks.unread import misunderstood
from supportplane_operator.checks.workloads import is_available
from supportplane_operator.conditions import FAILS, HOLDS, Impact, Verdict
from supportplane_operator.render.plan import Plan

_TYPE = ConditionType.RESOLVED_REFS


def accepted(plan: Plan) -> Verdict:
    reference = plan.snapshot.agent.spec.class_ref
    unread = misunderstood(plan, "SupportAgentClass")
    if unread is not None:
        return Verdict(FAILS, ConditionType.ACCEPTED, *unread)
    if reference is not None and plan.snapshot.agent_class is None:
        message = f"SupportAgentClass {reference.name} does not exist; create it, or take spec.classRef away"
        return Verdict(FAILS, ConditionType.ACCEPTED, Reason.CLASS_NOT_FOUND, message)
    return Verdict(HOLDS, ConditionType.ACCEPTED, Reason.VALID, "The specification is valid")


def resolved_refs(plan: Plan) -> Verdict:
    """The first of what is missing: objects of ours, then what pods wait for."""
    found = (
        _unreadable(plan)
        or _missing_model(plan)
        or _missing_judge(plan)
        or _missing_bases(plan)
        or _missing_config_map(plan)
    )
    found = found or _missed_by_pods(plan)
    return found or Verdict(HOLDS, _TYPE, Reason.ALL_RESOLVED, "Everything that the agent names exists")


def _impact(plan: Plan) -> Impact:
    """An agent that answers nothing needs neither model nor documents."""
    return Impact.READY if plan.snapshot.agent.spec.mode is Mode.AUTO else Impact.NONE


def _unreadable(plan: Plan) -> Verdict | None:
    unread = misunderstood(plan)
    return Verdict(FAILS, _TYPE, *unread, _impact(plan)) if unread else None


def _missing_model(plan: Plan) -> Verdict | None:
    if plan.endpoint is not None:
        return None
    name = plan.snapshot.agent.spec.template.model.model_ref.name
    message = (
        f"ModelEndpoint {name} does not exist in namespace {plan.namespace}; create it, or name another one in "
        "spec.template.model.modelRef"
    )
    return Verdict(FAILS, _TYPE, Reason.MODEL_NOT_FOUND, message, _impact(plan))


def _missing_judge(plan: Plan) -> Verdict | None:
    judge = plan.snapshot.agent.spec.template.model.judge_ref
    if judge is None or not plan.is_judge_missing:
        return None
    message = (
        f"ModelEndpoint {judge.name} does not exist in namespace {plan.namespace}; create it, or name another one in "
        "spec.template.model.judgeRef"
    )
    return Verdict(FAILS, _TYPE, Reason.MODEL_NOT_FOUND, message, _impact(plan))


def _missing_bases(plan: Plan) -> Verdict | None:
    if not plan.missing_bases:
        return None
    message = (
        f"KnowledgeBase {', '.join(plan.missing_bases)} does not exist in namespace {plan.namespace}; create it, or "
        "take it out of spec.template.knowledge"
    )
    return Verdict(FAILS, _TYPE, Reason.KNOWLEDGE_NOT_FOUND, message, _impact(plan))


def _missing_config_map(plan: Plan) -> Verdict | None:
    """What pods wait for is seen from them, too; this one is known before there are pods."""
    absent = sorted(name for (kind, name), found in plan.snapshot.sources.items() if kind == "ConfigMap" and not found)
    if not absent:
        return None
    message = f"ConfigMap {absent[0]} does not exist in namespace {plan.namespace}; a knowledge base reads it"
    return Verdict(FAILS, _TYPE, Reason.CONFIG_MAP_NOT_FOUND, message, Impact.DEGRADED)


def _missed_by_pods(plan: Plan) -> Verdict | None:
    """Pods that run go on without what new ones miss, so that an agent with some of them still answers."""
    first = next((each for each in obstacles(plan.snapshot) if Trait.IS_REFERENCE in each.reason.traits), None)
    if first is None:
        return None
    message = f"{first.message} (Pod {first.pod} waits for it)"
    return Verdict(FAILS, _TYPE, first.reason, message, Impact.DEGRADED if is_available(plan) else Impact.READY)
