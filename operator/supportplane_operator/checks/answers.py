"""ModelReady and KnowledgeReady: what answers are made of, as the runtime says it."""

from supportplane_crds import ConditionType, Mode, Reason, names
from supportplane_crds.runtime_status import PART_JUDGE, Part
from supportplane_operator.checks.persistence import silence, untold
from supportplane_operator.checks.pods import obstacles
from supportplane_operator.checks.unread import misunderstood
from supportplane_operator.conditions import FAILS, Impact, Verdict
from supportplane_operator.render import job
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest


def _is_auto(plan: Plan) -> bool:
    return plan.snapshot.agent.spec.mode is Mode.AUTO


def _told(plan: Plan, part: str) -> Part | str | None:
    """What the orchestrator, which alone sees model and index, says of a part; a sentence where it could not be asked.

    None where it was asked and says nothing of it.
    """
    report = plan.snapshot.runtime
    orchestrator = report.part("orchestrator") if report else None
    if report is None or (orchestrator is not None and not orchestrator.ok):
        return silence(plan)
    found = report.part(part)
    return untold(plan, found) if found is not None and found.ok is None else found


# The model


def model_ready(plan: Plan) -> Verdict:
    impact = Impact.READY if _is_auto(plan) else Impact.NONE
    ok, reason, message = _model(plan)
    if ok:
        away = _silent_judge(plan)
        if away is not None:
            still = Impact.DEGRADED if _is_auto(plan) else Impact.NONE
            return Verdict(FAILS, ConditionType.MODEL_READY, Reason.MODEL_UNREACHABLE, away, still)
    return Verdict(ok, ConditionType.MODEL_READY, reason, message, impact)


def _silent_judge(plan: Plan) -> str | None:
    """What is wrong with the judge: answers go on without it, with fewer sentences of the model."""
    part = plan.snapshot.runtime.part(PART_JUDGE) if plan.snapshot.runtime is not None and plan.judge else None
    if part is None or part.ok is not False or plan.judge is None:
        return None
    return f"ModelEndpoint {plan.judge.name}, which judges sentences: {part.detail}; check its url and credentials"


def _model(plan: Plan) -> tuple[bool | None, Reason, str]:
    unread = misunderstood(plan, "ModelEndpoint")
    if unread is not None:
        return None, *unread
    if plan.endpoint is None:
        name = plan.snapshot.agent.spec.template.model.model_ref.name
        return False, Reason.MODEL_NOT_FOUND, f"ModelEndpoint {name} does not exist"
    found = _told(plan, "model")
    if not isinstance(found, Part):
        return None, Reason.STATUS_UNREADABLE, found or "The runtime does not say whether its model answers"
    if found.ok:
        return True, Reason.PROBED, f"ModelEndpoint {plan.endpoint.name} answers"
    way = f"see Deployment {names.model(plan.endpoint.name)}" if plan.model_url else "check its url and credentials"
    return False, Reason.MODEL_UNREACHABLE, f"ModelEndpoint {plan.endpoint.name}: {found.detail}; {way}"


# The documents


def knowledge_ready(plan: Plan) -> Verdict:
    """An index of an earlier state still answers; it is only not as specified now."""
    ok, reason, message = _knowledge(plan)
    impact = Impact.NONE
    if _is_auto(plan):
        stale = Impact.NONE if reason in {Reason.INDEXING, Reason.STATUS_UNREADABLE} else Impact.DEGRADED
        impact = stale if has_index(plan) else Impact.READY
    return Verdict(ok, ConditionType.KNOWLEDGE_READY, reason, message, impact)


def has_index(plan: Plan) -> bool:
    """Whether there is something to answer from in every knowledge base that is named."""
    report = plan.snapshot.runtime
    counted = {each.name: each.chunks for each in report.knowledge} if report else {}
    return report is not None and all(counted.get(base.name, 0) > 0 for base in plan.bases)


def _knowledge(plan: Plan) -> tuple[bool | None, Reason, str]:
    if not plan.snapshot.agent.spec.template.knowledge:
        return True, Reason.NO_KNOWLEDGE, "No knowledge base is named; every question goes to a person"
    unread = misunderstood(plan, "KnowledgeBase")
    if unread is not None:
        return None, *unread
    if plan.missing_bases:
        return False, Reason.KNOWLEDGE_NOT_FOUND, f"KnowledgeBase {plan.missing_bases[0]} does not exist"
    path = next((base.name for base in plan.bases for source in base.spec.sources if source.path is not None), None)
    if path is not None:
        message = f"KnowledgeBase {path} reads a path, which only a laptop has; use configMap or volumeClaim"
        return False, Reason.PATH_NEEDS_LAPTOP, message
    return _reading(plan) or _counted(plan)


def _reading(plan: Plan) -> tuple[bool | None, Reason, str] | None:
    """What the job that reads the documents is at; None when it is through."""
    wanted = job.knowledge(plan)
    name = wanted["metadata"]["name"] if wanted else ""
    found = plan.snapshot.child("Job", name)
    if found is not None and found.get("status", {}).get("succeeded"):
        return None
    stuck = next(
        (
            each
            for each in obstacles(plan.snapshot)
            if each.component == names.ROLE_KNOWLEDGE and each.job in {name, None}
        ),
        None,
    )
    if stuck is not None:
        is_crash = stuck.reason is Reason.CRASH_LOOPING
        return False, Reason.INDEXING_FAILED if is_crash else stuck.reason, f"Job {name}: {stuck.message}"
    if found is not None and _has_failed(found):
        return False, Reason.INDEXING_FAILED, f"Job {name} failed; see kubectl logs job/{name}"
    return False, Reason.INDEXING, f"Job {name} reads the documents{_changes(plan)}"


def _changes(plan: Plan) -> str:
    """What is said of embedding models that are being changed, after a semicolon."""
    knowledge = plan.snapshot.runtime.knowledge if plan.snapshot.runtime else ()
    wanted = {base.name for base in plan.bases}
    return "".join(f"; {each.change}" for each in knowledge if each.change and each.name in wanted)


def _has_failed(found: Manifest) -> bool:
    conditions = found.get("status", {}).get("conditions") or ()
    return any(each.get("type") == "Failed" and each.get("status") == "True" for each in conditions)


def _counted(plan: Plan) -> tuple[bool | None, Reason, str]:
    found = _told(plan, "knowledge")
    if isinstance(found, str):
        return None, Reason.STATUS_UNREADABLE, found
    knowledge = plan.snapshot.runtime.knowledge if plan.snapshot.runtime else ()
    if found is not None and not found.ok and not knowledge:
        reason = Reason.VECTOR_STORE_UNREACHABLE if plan.weaviate else Reason.INDEXING_FAILED
        return False, reason, f"The index does not answer: {found.detail}"
    counted = {each.name: each for each in knowledge}
    empty = next((base.name for base in plan.bases if base.name not in counted or not counted[base.name].chunks), None)
    if empty is not None:
        return False, Reason.INDEXING, f"KnowledgeBase {empty} has no passage in the index yet"
    documents = sum(counted[base.name].documents for base in plan.bases)
    chunks = sum(counted[base.name].chunks for base in plan.bases)
    skipped = sum(counted[base.name].skipped for base in plan.bases)
    left_out = f"; {skipped} files left out, the log of the knowledge Job names them" if skipped else ""
    return True, Reason.INDEXED, f"{documents} documents in {chunks} passages{left_out}{_changes(plan)}"
