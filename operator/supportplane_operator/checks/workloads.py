"""Available, Progressing and ScalingActive: pods that answer, pods that are on their way, and who counts them."""

from supportplane_crds import ConditionType, Reason, names
from supportplane_crds.reasons import Trait
from supportplane_crds.roles import ASKED_FIRST, BY_NAME, ROLES
from supportplane_operator import snapshot as seen
from supportplane_operator.checks.pods import Obstacle, obstacles
from supportplane_operator.conditions import FAILS, HOLDS, UNKNOWN, Impact, Verdict
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.rollout import serving
from supportplane_operator.snapshot import Manifest

# Available


def serving_deployments(plan: Plan) -> tuple[tuple[str, Manifest], ...]:
    """Name and object of each that customers' questions go through; an object that is not there is empty."""
    wanted = (each.deployment_name(plan.name, serving(plan)) for each in ROLES)
    return tuple((name, plan.snapshot.child("Deployment", name) or {}) for name in wanted)


def is_available(plan: Plan) -> bool:
    """One ready pod of each is enough to answer."""
    return all(ready_pods(found) >= 1 for _, found in serving_deployments(plan))


def ready_pods(deployment: Manifest) -> int:
    return int(deployment.get("status", {}).get("availableReplicas", 0))


def available(plan: Plan) -> Verdict:
    if plan.replicas == 0:
        message = "spec.scaling.replicas is 0; raise it to serve again"
        return Verdict(FAILS, ConditionType.AVAILABLE, Reason.SCALED_TO_ZERO, message)
    counts = [(name, ready_pods(found)) for name, found in serving_deployments(plan)]
    short = next((name for name, ready in counts if ready < 1), None)
    if short is None:
        message = ", ".join(f"{name}: {ready} ready" for name, ready in counts)
        return Verdict(HOLDS, ConditionType.AVAILABLE, Reason.MINIMUM_PODS_READY, message)
    first = _first_obstacle(plan)
    if first is not None:
        return Verdict(FAILS, ConditionType.AVAILABLE, first.reason, first.message)
    message = f"Deployment {short} has no ready pod yet; see kubectl get pods -l {names.LABEL_AGENT}={plan.name}"
    return Verdict(FAILS, ConditionType.AVAILABLE, Reason.PODS_UNAVAILABLE, message)


def _first_obstacle(plan: Plan) -> Obstacle | None:
    """Of pods that serve; a job that cannot read documents keeps nobody from answering."""
    return next((each for each in obstacles(plan.snapshot) if each.component in BY_NAME), None)


# Progressing


def progressing(plan: Plan) -> Verdict:
    if plan.snapshot.raw.get("metadata", {}).get("deletionTimestamp"):
        return _progress(HOLDS, Reason.DELETING, "The agent is being deleted")
    if plan.is_paused:
        message = f"Annotation {names.ANNOTATION_PAUSED} is set; take it away to go on"
        return _progress(FAILS, Reason.PAUSED, message)
    behind = _behind(plan)
    if behind is None:
        return _progress(FAILS, Reason.REVISION_SERVING, f"Revision {plan.revision} serves")
    stuck = next((each for each in obstacles(plan.snapshot) if _is_of_update(each, plan)), None)
    if stuck is None or not is_available(plan):
        return _progress(HOLDS, Reason.ROLLING_OUT, behind)
    message = f"Revision {plan.revision} does not become ready: {stuck.message}"
    impact = Impact.DEGRADED
    return Verdict(FAILS, ConditionType.PROGRESSING, Reason.ROLLOUT_FAILED, message, impact)


def _progress(ok: bool, reason: Reason, message: str) -> Verdict:
    return Verdict(ok, ConditionType.PROGRESSING, reason, message, Impact.NONE)


def _behind(plan: Plan) -> str | None:
    """What is not as it is wanted yet, as a sentence."""
    if plan.is_blocked:
        return "Waits for what is missing"
    for name in (each.deployment_name(plan.name, plan.revision) for each in ASKED_FIRST):
        found = plan.snapshot.child("Deployment", name)
        if found is None or not _is_rolled_out(found):
            return f"Deployment {name} is being brought to revision {plan.revision}"
    if serving(plan) != plan.revision:
        return f"Revision {plan.revision} is about to take over"
    return None


def _is_rolled_out(deployment: Manifest) -> bool:
    status, wanted = deployment.get("status", {}), deployment.get("spec", {}).get("replicas", 1)
    is_seen = status.get("observedGeneration", 0) >= deployment.get("metadata", {}).get("generation", 0)
    updated, ready, every = (status.get(f"{kind}eplicas", 0) for kind in ("updatedR", "availableR", "r"))
    return bool(is_seen and updated >= wanted and ready >= wanted and every <= updated)


def _is_of_update(obstacle: Obstacle, plan: Plan) -> bool:
    """A pod of an older revision is not; a role without revisions has only pods of the update and of before it."""
    role = BY_NAME.get(obstacle.component)
    if role is None or Trait.KEEPS_A_POD_DOWN not in obstacle.reason.traits:
        return False
    return not role.is_per_revision or obstacle.revision == plan.revision


# ScalingActive


def scaling_active(plan: Plan) -> Verdict:
    if plan.autoscaling is None:
        return _scaling(HOLDS, Reason.FIXED_REPLICAS, f"{plan.replicas} pods of each role are wanted")
    if plan.has_keda and not plan.snapshot.has(seen.SCALED_OBJECT):
        message = (
            f"spec.scaling.autoscaling asks for KEDA, which is not installed; {plan.replicas} pods run until it is, "
            "or until the provider is HPA"
        )
        return _scaling(FAILS, Reason.KEDA_MISSING, message)
    kind, told = ("ScaledObject", "Ready") if plan.has_keda else ("HorizontalPodAutoscaler", "ScalingActive")
    name = names.gateway(plan.name)
    child = plan.snapshot.child(kind, name) or {}
    found = next((each for each in child.get("status", {}).get("conditions") or () if each.get("type") == told), None)
    if found is None:
        return _scaling(UNKNOWN, Reason.METRIC_MISSING, f"{kind} {name} has not reported yet")
    if found.get("status") == "True":
        return _scaling(HOLDS, Reason.VALID_METRIC, f"{kind} {name} reads its metrics")
    return _scaling(
        FAILS, Reason.METRIC_MISSING, f"{kind} {name}: {found.get('message', 'its metrics cannot be read')}"
    )


def _scaling(ok: bool | None, reason: Reason, message: str) -> Verdict:
    return Verdict(ok, ConditionType.SCALING_ACTIVE, reason, message, Impact.DEGRADED)
