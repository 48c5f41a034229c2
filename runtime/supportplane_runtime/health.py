"""How the parts of a process are: probes, what they found, and whether the process is ready.

Every role that serves uses this: its readiness and its status are made of what the probes find. Health is open to
everyone who reaches the port, so the probes are asked at most once a second however often somebody wants to know, and
nobody can make the database work by asking.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from supportplane_crds.runtime_status import OrchestratorStatus, Part
from supportplane_runtime.errors import RuntimeFault

FRESH_S = 1.0
PROBE_TIMEOUT_S = 2.0  # below the second-and-more that probes of Kubernetes are usually given

HealthStatus = Literal["ok", "degraded", "starting", "down", "draining"]


@dataclass(frozen=True, slots=True)
class Probe:
    """How a part is.

    check: returns a sentence for people, raises RuntimeFault (its detail is shown, so no secrets) when the part is not
    well. required: without the part no question can be answered, so readiness goes off.
    """

    name: str
    check: Callable[[], Awaitable[str]]
    required: bool = True


Reporting = Callable[[], Awaitable[OrchestratorStatus]]  # raises RuntimeFault when nobody can tell


async def nothing_to_report() -> OrchestratorStatus:
    return OrchestratorStatus()


@dataclass(frozen=True, slots=True)
class Health:
    """awaited: the parts that have not been well yet since the process started."""

    parts: tuple[Part, ...]
    draining: bool
    awaited: tuple[Part, ...] = ()

    @property
    def ready(self) -> bool:
        return not (self.draining or self.awaited or self._lost)

    @property
    def _lost(self) -> list[Part]:
        return [part for part in self.parts if part.required and not part.ok]

    @property
    def status(self) -> HealthStatus:
        if self.draining:
            return "draining"
        if self._lost:
            return "down"
        if self.awaited:
            return "starting"
        return "ok" if all(part.ok for part in self.parts) else "degraded"

    @property
    def reasons(self) -> list[str]:
        """Why the process is not ready."""
        failed = [f"{part.name}: {part.detail}" for part in (*self._lost, *self.awaited)]
        return ["The process is about to stop.", *failed] if self.draining else failed


async def check_part(probe: Probe) -> Part:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            detail = await probe.check()
    except TimeoutError:
        return Part(probe.name, ok=False, required=probe.required, detail=f"No reply in {PROBE_TIMEOUT_S:g} s.")
    except RuntimeFault as fault:
        return Part(probe.name, ok=False, required=probe.required, detail=fault.detail)
    except Exception as exc:  # noqa: BLE001 - whatever a part does, health says so instead of failing itself
        detail = f"The check itself failed ({type(exc).__name__})."
        return Part(probe.name, ok=False, required=probe.required, detail=detail)
    return Part(probe.name, ok=True, required=probe.required, detail=detail)


class HealthChecks:
    """The probes of one process. An awaited part is asked until it was well once, and never again: a ready process
    stays ready without it (ADR 0019). is_draining: whether the process is about to stop.
    """

    def __init__(
        self,
        probes: tuple[Probe, ...],
        *,
        is_draining: Callable[[], bool],
        awaited: tuple[Probe, ...] = (),
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._probes = probes
        self._awaited = awaited
        self._is_draining = is_draining
        self._clock = clock
        self._lock = asyncio.Lock()
        self._checked_at: float | None = None
        self._parts: tuple[Part, ...] = ()
        self._missing: tuple[Part, ...] = ()

    async def health(self) -> Health:
        async with self._lock:
            if self._checked_at is None or self._clock() - self._checked_at >= FRESH_S:
                await self._ask()
                self._checked_at = self._clock()
        return Health(self._parts, draining=self._is_draining(), awaited=self._missing)

    async def _ask(self) -> None:
        """All at once: a kubelet waits three seconds."""
        found = await asyncio.gather(*map(check_part, (*self._probes, *self._awaited)))
        self._parts, awaited = tuple(found[: len(self._probes)]), found[len(self._probes) :]
        self._awaited = tuple(probe for probe, part in zip(self._awaited, awaited, strict=True) if not part.ok)
        self._missing = tuple(part for part in awaited if not part.ok)
