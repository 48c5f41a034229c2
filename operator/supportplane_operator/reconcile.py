"""One object brought to what it should be: observed, rendered, applied, checked, reported. ``work`` calls it.

Level-triggered: nothing depends on what happened before, only on what is there, so a reconcile may be ended at any
point and begun anew. The second one in a row writes nothing. Says after how many seconds to look again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from supportplane_crds import ConditionType, Reason
from supportplane_crds.names import FINALIZER
from supportplane_operator import apply, checks, conditions
from supportplane_operator.cache import Key, key_of
from supportplane_operator.errors import WriteRefused
from supportplane_operator.events import transitions
from supportplane_operator.observe import Observer
from supportplane_operator.parse import Unusable
from supportplane_operator.render import render, render_endpoint
from supportplane_operator.render.plan import Plan
from supportplane_operator.runtime_status import Servers, StatusReader
from supportplane_operator.settings import Settings
from supportplane_operator.snapshot import BaseSnapshot, EndpointSnapshot, Manifest, Snapshot

log = structlog.get_logger()
UNREADY_S = 10.0  # an agent that is not ready is looked at again this soon, for what no watch tells of
LONGEST_UNREADY_S = 60.0
SLOWER_BY = 6  # an agent that has not been ready for an hour is not looked at every ten seconds


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reconcile went. changed: something was written. again_s: when to look again, None for the next resync."""

    changed: bool = False
    refused: bool = False
    again_s: float | None = None


@dataclass(frozen=True)
class Reconciler:
    """What a reconcile works with. reports: None where agents cannot be asked for their status."""

    observer: Observer
    writer: apply.Writer
    settings: Settings
    reports: StatusReader | None
    clock: Callable[[], datetime]

    async def reconcile(self, key: Key) -> Outcome:
        """Raises OperatorFault for what is worth another try."""
        raw = self.observer.raw(key)
        if raw is None:
            return self._forgotten(key)
        try:
            match key.kind:
                case "SupportAgent":
                    return await self._agent(raw)
                case "ModelEndpoint":
                    return await self._endpoint(raw)
                case "KnowledgeBase":
                    return await self._base(raw)
        except Unusable as reason:
            return await self._unusable(reason)
        return Outcome()

    # SupportAgent

    async def _agent(self, raw: Manifest) -> Outcome:
        if "deletionTimestamp" in raw["metadata"]:
            return await self._leave(raw)
        raw = await self._with_finalizer(raw)
        plan = await self._plan(raw)
        changes = await self._apply(plan)
        if changes:  # what is there after the writes, so that the status speaks of what is
            plan = await self._plan(self.observer.raw(key_of(raw)) or raw)
        return await self._report(plan, changes)

    async def _plan(self, raw: Manifest) -> Plan:
        return Plan(await self.observer.agent(raw), self.settings)

    async def _apply(self, plan: Plan) -> apply.Changes:
        if plan.is_paused:
            return apply.Changes()
        snapshot = plan.snapshot
        uid = snapshot.raw["metadata"]["uid"]
        return await apply.converge(self.writer, render(plan), snapshot.children, owner_uid=uid)

    async def _report(self, plan: Plan, changes: apply.Changes) -> Outcome:
        snapshot, now = plan.snapshot, self.clock()
        verdicts = (*checks.run(plan), *checks.refused(changes.refused))
        status = conditions.status_of(plan, verdicts, now)
        waits_s = await self._write(snapshot.raw, status)
        self._ask(snapshot, status)
        if changes:
            self._tell(snapshot, changes)
        again_s = min(waits_s or LONGEST_UNREADY_S, _look_again_s(status, now) or LONGEST_UNREADY_S)
        is_settled = waits_s is None and _look_again_s(status, now) is None
        return Outcome(bool(changes), bool(changes.refused), None if is_settled else again_s)

    def _ask(self, snapshot: Snapshot, status: Manifest) -> None:
        if self.reports is not None:
            by = Servers(status["readyReplicas"], status.get("revision"))
            self.reports.watch(key_of(snapshot.raw), soon=not _is_ready(status), by=by)

    def _tell(self, snapshot: Snapshot, changes: apply.Changes) -> None:
        log.info(
            "agent_applied",
            agent=snapshot.name,
            namespace=snapshot.namespace,
            generation=snapshot.generation,
            applied=["/".join(each) for each in changes.applied],
            deleted=["/".join(each) for each in changes.deleted],
        )

    async def _with_finalizer(self, raw: Manifest) -> Manifest:
        if FINALIZER in (raw["metadata"].get("finalizers") or ()):
            return raw
        await apply.set_finalizer(self.writer, raw, wanted=True)
        return self.observer.raw(key_of(raw)) or raw

    async def _leave(self, raw: Manifest) -> Outcome:
        """Settle what goes with the agent and what stays, then let it go; the garbage collector does the rest."""
        if FINALIZER not in (raw["metadata"].get("finalizers") or ()):
            return Outcome()
        try:
            plan = await self._plan(raw)
            children = plan.snapshot.children
            kept = [each for each in render(plan) if _is_data(each)]
            present = [each for each in kept if (each["kind"], each["metadata"]["name"]) in children]
            await apply.apply_children(self.writer, present, children)
        except (Unusable, WriteRefused) as reason:  # an agent that cannot be read or written must still go
            log.warning("agent_left_as_it_is", agent=raw["metadata"]["name"], error=str(reason))
        await apply.set_finalizer(self.writer, raw, wanted=False)
        log.info("agent_released", agent=raw["metadata"]["name"], namespace=raw["metadata"]["namespace"])
        return Outcome(changed=True)

    def _forgotten(self, key: Key) -> Outcome:
        self.writer.forget(key)
        self.writer.metrics.readiness.forget(key)
        if self.reports is not None:
            self.reports.forget(key)
        return Outcome()

    # Companions

    async def _endpoint(self, raw: Manifest) -> Outcome:
        if "deletionTimestamp" in raw["metadata"]:
            return Outcome()
        snapshot = await self.observer.endpoint(raw)
        wanted = render_endpoint(snapshot, self.settings)
        uid = raw["metadata"]["uid"]
        changes = await apply.converge(self.writer, wanted, snapshot.children, owner_uid=uid)
        if changes:
            snapshot = await self.observer.endpoint(self.observer.raw(key_of(raw)) or raw)
        await self._report_companion(snapshot, (*checks.run_endpoint(snapshot), *checks.refused(changes.refused)))
        is_refused = bool(changes.refused)
        return Outcome(bool(changes), is_refused, LONGEST_UNREADY_S if is_refused else None)

    async def _base(self, raw: Manifest) -> Outcome:
        if "deletionTimestamp" not in raw["metadata"]:
            snapshot = await self.observer.base(raw)
            await self._report_companion(snapshot, checks.run_base(snapshot))
        return Outcome()

    async def _report_companion(
        self, snapshot: EndpointSnapshot | BaseSnapshot, verdicts: tuple[conditions.Verdict, ...]
    ) -> None:
        await self._write(snapshot.raw, conditions.companion_status_of(snapshot, verdicts, self.clock()))

    async def _unusable(self, reason: Unusable) -> Outcome:
        why = Reason.UNSUPPORTED_FEATURE if reason.is_unknown else Reason.INVALID_SPEC
        status = conditions.unusable_status_of(reason.raw, why, reason.sentence, self.clock())
        await self._write(reason.raw, status)
        return Outcome(refused=True)

    # Status

    async def _write(self, raw: Manifest, status: Manifest) -> float | None:
        """Write a status that says something new. Seconds until it should be, where that can wait; else None."""
        self._count(raw, status)
        old, now = raw.get("status") or {}, self.clock()
        if status == _without_empty(old):
            return None
        if old and conditions.is_only_numbers(old, status):
            waits_s = self.writer.status_waits_s(key_of(raw), self.settings.status_interval_s)
            if waits_s > 0:
                return waits_s
        await apply.write_status(self.writer, raw, status)
        for event in transitions(raw, status, now):
            await apply.write_event(self.writer, event)
        return None

    def _count(self, raw: Manifest, status: Manifest) -> None:
        found, key = _ready(status), key_of(raw)
        if found is not None:
            readiness = self.writer.metrics.readiness
            readiness.learn(key, kind=key.kind, ready=found["status"], reason=found["reason"])


def _without_empty(status: Manifest) -> Manifest:
    """The API server writes out a list that defaults to nothing; we leave it away."""
    return {key: value for key, value in status.items() if value != []}


def _is_data(child: Manifest) -> bool:
    """Kinds whose owner reference depends on the deletion policy."""
    return child["kind"] in {"Cluster", "StatefulSet", "PersistentVolumeClaim"}


def _ready(status: Manifest) -> Manifest | None:
    """The condition Ready."""
    conditions: list[Manifest] = status["conditions"]
    return next((each for each in conditions if each["type"] == ConditionType.READY), None)


def _is_ready(status: Manifest) -> bool:
    found = _ready(status)
    return found is not None and found["status"] == "True"


def _look_again_s(status: Manifest, now: datetime) -> float | None:
    """None for an agent that is ready; else the later the longer it has not been."""
    ready = _ready(status)
    if ready is None or ready["status"] == "True":
        return None
    since = datetime.fromisoformat(ready["lastTransitionTime"])
    return min(max(UNREADY_S, (now - since).total_seconds() / SLOWER_BY), LONGEST_UNREADY_S)
