"""What makes an agent Degraded beside its conditions: parts it can do without, and APIs that the cluster lacks."""

from supportplane_crds import ConditionType, Reason
from supportplane_crds.runtime_status import CONDITIONS
from supportplane_operator import snapshot as seen
from supportplane_operator.conditions import FAILS, HOLDS, Impact, Verdict
from supportplane_operator.render.plan import Plan

# Available counts pods; what the gateway says of the orchestrators is told here.
_TOLD_ELSEWHERE = frozenset(name for name, kind in CONDITIONS.items() if kind is not ConditionType.AVAILABLE)


def components(plan: Plan) -> Verdict:
    """Parts that the runtime reports as failing and that no other condition is about."""
    reports = plan.snapshot.runtime.components if plan.snapshot.runtime else ()
    failing = next((each for each in reports if each.ok is False and each.name not in _TOLD_ELSEWHERE), None)
    if failing is None:
        return Verdict(HOLDS, ConditionType.DEGRADED, Reason.AS_EXPECTED, "", Impact.NONE)
    impact = Impact.READY if failing.required else Impact.DEGRADED
    message = f"{failing.name}: {failing.detail}"
    return Verdict(FAILS, ConditionType.DEGRADED, Reason.COMPONENT_FAILING, message, impact)


def certificate(plan: Plan) -> Verdict:
    """One that is asked for and that nobody makes is trouble."""
    ingress = plan.ingress
    if ingress is None or ingress.cluster_issuer is None or plan.snapshot.has(seen.CERTIFICATE):
        return Verdict(HOLDS, ConditionType.DEGRADED, Reason.AS_EXPECTED, "", Impact.NONE)
    secret = ingress.tls_secret_ref.name if ingress.tls_secret_ref else ""
    message = f"cert-manager is not installed, so that nobody writes Secret {secret}; install it, or write it yourself"
    return Verdict(FAILS, ConditionType.DEGRADED, Reason.COMPONENT_FAILING, message, Impact.DEGRADED)


def left_out(plan: Plan) -> Verdict:
    """Monitoring that the cluster has no kinds for is only mentioned."""
    wanted = plan.snapshot.agent.spec.observability
    pairs = ((wanted.service_monitor, seen.SERVICE_MONITOR), (wanted.alerts, seen.PROMETHEUS_RULE))
    absent = [api.rpartition("/")[2] for is_wanted, api in pairs if is_wanted and not plan.snapshot.has(api)]
    message = f"left out, because the cluster does not know the kind: {', '.join(absent)}" if absent else ""
    return Verdict(HOLDS, ConditionType.DEGRADED, Reason.AS_EXPECTED, message, Impact.NONE)
