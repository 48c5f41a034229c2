"""How the parts are, asked at most once a second however often anyone wants to know.

Health is open to everyone who reaches the port, so it must not be a way to make the database work. What is awaited is
asked until it was well once, and never again: a ready process stays ready without it (ADR 0019). Used by endpoints.py.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from supportplane_runtime.errors import RuntimeFault
from supportplane_runtime.gateway.limits.admission import Admission
from supportplane_runtime.gateway.parts import PartHealth, Probe

FRESH_S = 1.0
PROBE_TIMEOUT_S = 2.0  # below the second-and-more that probes of Kubernetes are usually given


@dataclass(frozen=True, slots=True)
class Health:
    """awaited: what has not been well yet since the process started."""

    parts: tuple[PartHealth, ...]
    draining: bool
    awaited: tuple[PartHealth, ...] = ()

    @property
    def ready(self) -> bool:
        return not (self.draining or self.awaited or self._lost)

    @property
    def _lost(self) -> list[PartHealth]:
        return [part for part in self.parts if part.required and not part.ok]

    @property
    def status(self) -> str:
        if self.draining:
            return "draining"
        if self._lost:
            return "down"
        if self.awaited:
            return "starting"
        return "ok" if all(part.ok for part in self.parts) else "degraded"

    @property
    def reasons(self) -> list[str]:
        """Why it is not ready."""
        failed = [f"{part.name}: {part.detail}" for part in (*self._lost, *self.awaited)]
        return ["The process is about to stop.", *failed] if self.draining else failed


async def check_part(probe: Probe) -> PartHealth:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            detail = await probe.check()
    except TimeoutError:
        return PartHealth(probe.name, ok=False, required=probe.required, detail=f"No reply in {PROBE_TIMEOUT_S:g} s.")
    except RuntimeFault as fault:
        return PartHealth(probe.name, ok=False, required=probe.required, detail=fault.detail)
    except Exception as exc:  # noqa: BLE001 - whatever a part does, health says so instead of failing itself
        detail = f"The check itself failed ({type(exc).__name__})."
        return PartHealth(probe.name, ok=False, required=probe.required, detail=detail)
    return PartHealth(probe.name, ok=True, required=probe.required, detail=detail)


class HealthChecks:
    def __init__(
        self,
        probes: tuple[Probe, ...],
        admission: Admission,
        *,
        awaited: tuple[Probe, ...] = (),
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._probes = probes
        self._awaited = awaited
        self._admission = admission
        self._clock = clock
        self._lock = asyncio.Lock()
        self._checked_at: float | None = None
        self._parts: tuple[PartHealth, ...] = ()
        self._missing: tuple[PartHealth, ...] = ()

    async def health(self) -> Health:
        async with self._lock:
            if self._checked_at is None or self._clock() - self._checked_at >= FRESH_S:
                await self._ask()
                self._checked_at = self._clock()
        return Health(self._parts, draining=self._admission.draining, awaited=self._missing)

    async def _ask(self) -> None:
        """All at once: a kubelet waits three seconds."""
        found = await asyncio.gather(*map(check_part, (*self._probes, *self._awaited)))
        self._parts, awaited = tuple(found[: len(self._probes)]), found[len(self._probes) :]
        self._awaited = tuple(probe for probe, part in zip(self._awaited, awaited, strict=True) if not part.ok)
        self._missing = tuple(part for part in awaited if not part.ok)
