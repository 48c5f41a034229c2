"""PersistenceReady: whether database, cache and vector store answer, as the runtime says; until then, what is seen."""

from supportplane_crds import ConditionType, Reason, names
from supportplane_crds.runtime_status import BEHIND_ORCHESTRATORS, Part, RuntimeStatus
from supportplane_operator import snapshot as seen
from supportplane_operator.checks.pods import obstacles
from supportplane_operator.conditions import FAILS, HOLDS, UNKNOWN, Impact, Verdict
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest

_NOT_ANSWERING = (
    ("database", Reason.DATABASE_UNREACHABLE),
    ("schema", Reason.MIGRATION_PENDING),
    ("cache", Reason.CACHE_UNREACHABLE),
    ("weaviate", Reason.VECTOR_STORE_UNREACHABLE),
)


def persistence_ready(plan: Plan) -> Verdict:
    not_configured = _not_configured(plan)
    if not_configured is not None:
        return not_configured
    if plan.snapshot.runtime is not None:
        return _as_reported(plan, plan.snapshot.runtime)
    return _migration_failed(plan) or _managed(plan) or _migration_pending(plan) or _unknown(plan)


def _verdict(ok: bool | None, reason: Reason, message: str, impact: Impact = Impact.READY) -> Verdict:
    return Verdict(ok, ConditionType.PERSISTENCE_READY, reason, message, impact)


def _not_configured(plan: Plan) -> Verdict | None:
    if plan.database_secret is None:
        way = "set spec.persistence.database, or the database of its SupportAgentClass"
        return _verdict(FAILS, Reason.DATABASE_NOT_CONFIGURED, f"SupportAgent {plan.name} names no database; {way}")
    if not plan.has_managed_cache and plan.cache_secret is None:
        way = "set spec.persistence.cache, or the cache of its SupportAgentClass"
        message = f"SupportAgent {plan.name} names no Redis for its rate limits; {way}"
        return _verdict(FAILS, Reason.CACHE_NOT_CONFIGURED, message)
    if plan.cnpg and not plan.snapshot.has(seen.CNPG_CLUSTER):
        message = (
            "CloudNativePG is not installed on this cluster; install it, or set spec.persistence.database.secretRef"
        )
        return _verdict(FAILS, Reason.CLOUD_NATIVE_PG_MISSING, message)
    return None


def _as_reported(plan: Plan, report: RuntimeStatus) -> Verdict:
    for name, reason in _NOT_ANSWERING:
        found = report.part(name)
        if found is not None and found.ok is None:
            return _verdict(UNKNOWN, Reason.STATUS_UNREADABLE, untold(plan, found))
        if found is not None and not found.ok:
            return _failing(plan, found, reason)
    if report.part("database") is None:
        return _verdict(UNKNOWN, Reason.STATUS_UNREADABLE, "The runtime does not say whether its database answers")
    return _verdict(HOLDS, Reason.REACHABLE, "Database and cache answer, and the schema is up to date")


def _failing(plan: Plan, found: Part, reason: Reason) -> Verdict:
    impact = Impact.READY if found.required else Impact.DEGRADED
    if reason is Reason.MIGRATION_PENDING:
        return _migration_failed(plan) or _verdict(FAILS, reason, f"{found.name}: {found.detail}", impact)
    return _verdict(FAILS, reason, f"{found.name}: {found.detail}; {_way_out(plan, found.name)}", impact)


def _way_out(plan: Plan, name: str) -> str:
    if name == "database":
        if plan.cnpg:
            return f"see Cluster {names.database(plan.name)}"
        return f"check the server, and key {names.KEY_DATABASE_URI} of Secret {plan.database_secret}"
    if name == "cache":
        if plan.cache_secret:
            return f"check the server, and key {names.KEY_CACHE_URI} of Secret {plan.cache_secret}"
        return f"see Deployment {names.cache(plan.name)}"
    return "check spec.persistence.vectorStore"


def _migration_failed(plan: Plan) -> Verdict | None:
    """A Secret that is missing is told by ResolvedRefs."""
    found = next(
        (
            each
            for each in obstacles(plan.snapshot)
            if each.component == names.ROLE_MIGRATE and each.reason is Reason.CRASH_LOOPING
        ),
        None,
    )
    return _verdict(FAILS, Reason.MIGRATION_FAILED, found.message) if found else None


def _managed(plan: Plan) -> Verdict | None:
    """Stores of the operator's own making that are not up."""
    if plan.cnpg:
        name = names.database(plan.name)
        found = plan.snapshot.child("Cluster", name)
        if _count(found, "readyInstances") < 1:
            phase = (found or {}).get("status", {}).get("phase", "not reported yet")
            return _verdict(FAILS, Reason.DATABASE_NOT_READY, f"Cluster {name}: {phase}")
    if plan.has_managed_cache and _count(plan.snapshot.child("Deployment", names.cache(plan.name))) < 1:
        return _verdict(FAILS, Reason.CACHE_NOT_READY, f"Deployment {names.cache(plan.name)} has no ready pod")
    if plan.managed_weaviate and _count(plan.snapshot.child("StatefulSet", names.weaviate(plan.name))) < 1:
        message = f"StatefulSet {names.weaviate(plan.name)} has no ready pod"
        return _verdict(FAILS, Reason.VECTOR_STORE_NOT_READY, message)
    return None


def _count(child: Manifest | None, field: str = "readyReplicas") -> int:
    return int((child or {}).get("status", {}).get(field, 0))


def _migration_pending(plan: Plan) -> Verdict | None:
    jobs = [child for (kind, name), child in plan.snapshot.children.items() if kind == "Job" and "-migrate-" in name]
    if not jobs or any(_count(each, "succeeded") for each in jobs):
        return None
    return _verdict(FAILS, Reason.MIGRATION_PENDING, f"Job {jobs[0]['metadata']['name']} has not finished")


def _unknown(plan: Plan) -> Verdict:
    return _verdict(UNKNOWN, Reason.STATUS_UNREADABLE, silence(plan))


def untold(plan: Plan, found: Part) -> str:
    """That a part could not be asked, and who knows of it."""
    who = names.orchestrator(plan.name) if found.name in BEHIND_ORCHESTRATORS else names.gateway(plan.name)
    return f"Service {who} does not tell of the {found.name}: {found.detail}"


def silence(plan: Plan) -> str:
    """Why nothing is known from the runtime."""
    if plan.snapshot.runtime is not None:
        return f"Service {names.orchestrator(plan.name)} does not answer the gateway, which asks it"
    return f"Service {names.gateway(plan.name)} gave no status: {plan.snapshot.runtime_error or 'no pod answers yet'}"
