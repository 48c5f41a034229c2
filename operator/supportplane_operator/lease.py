"""Which replica writes: the one that holds a Lease of coordination.k8s.io, renewed every third of its duration.

``main`` runs it beside everything else; ``apply`` asks ``is_held`` before every write. What other replicas' clocks say
does not matter: a Lease is free when nothing changed in it for its whole duration by this machine's own clock. A holder
that cannot renew stops believing in its Lease a third of the duration before others do.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
import structlog
from lightkube import ApiError, AsyncClient

from supportplane_operator.cluster import status_code
from supportplane_operator.resources import LEASE, typed
from supportplane_operator.snapshot import Manifest

log = structlog.get_logger()
NAME = "supportplane-operator"
_Lease: Any = typed(LEASE)


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose Lease, where, and how long it is believed without a sign of life."""

    namespace: str
    holder: str
    duration_s: int


class Lease:
    """acquire, keep, release. clock: monotonic seconds."""

    def __init__(self, client: AsyncClient, claim: Claim, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._claim = claim
        self._clock = clock
        self._renewed_at: float | None = None
        self._seen: Any = None
        self._seen_at = 0.0

    @property
    def is_held(self) -> bool:
        """Whether this replica may write now. Turns false by itself when renewals fail."""
        return self._renewed_at is not None and self._clock() < self._renewed_at + self._claim.duration_s * 2 / 3

    @property
    def interval_s(self) -> float:
        return self._claim.duration_s / 3

    async def acquire(self) -> None:
        """Returns when the Lease is ours."""
        while not await self.attempt():  # noqa: ASYNC110 -- another machine does not set our events
            await asyncio.sleep(self.interval_s / 2)
        log.info("lease_acquired", holder=self._claim.holder)

    async def keep(self) -> None:
        """Renews it; returns when it is lost, after which nothing may be written."""
        while self.is_held:  # noqa: ASYNC110 -- time passes by itself
            await asyncio.sleep(self.interval_s / 2 if not await self.attempt() else self.interval_s)
        log.warning("lease_lost", holder=self._claim.holder)

    async def attempt(self) -> bool:
        """One try to take or renew it. False when another holds it or the API server does not answer."""
        started = self._clock()
        try:
            is_ours = await self._take(await self._read())
        except httpx2.HTTPError as error:
            log.warning("lease_not_renewed", error=str(error))
            return False
        if is_ours:
            self._renewed_at = started
        return is_ours

    async def release(self) -> None:
        """Lets the next replica begin at once instead of after the duration."""
        was_held, self._renewed_at = self.is_held, None
        if not was_held:
            return
        try:
            found = await self._read()
            if found is not None and found["spec"].get("holderIdentity") == self._claim.holder:
                await self._client.replace(_Lease({**found, "spec": {**found["spec"], "holderIdentity": ""}}), NAME)
        except httpx2.HTTPError as error:
            log.warning("lease_not_released", error=str(error))

    async def _read(self) -> Manifest | None:
        try:
            return dict(await self._client.get(_Lease, NAME, namespace=self._claim.namespace))
        except ApiError as error:
            if status_code(error) == 404:
                return None
            raise

    async def _take(self, found: Manifest | None) -> bool:
        """A version in between makes the API server refuse the write, so two can never both have it."""
        if found is not None and not self._is_free(found["spec"]):
            self._renewed_at = None
            return False
        try:
            if found is None:
                await self._client.create(  # type: ignore[call-overload]  # lightkube's overloads do not know Any
                    _Lease(self._wanted({})), namespace=self._claim.namespace
                )
            else:
                await self._client.replace(_Lease(self._wanted(found)), NAME)
        except ApiError as error:
            if status_code(error) == 409:
                return False
            raise
        return True

    def _is_free(self, spec: Manifest) -> bool:
        """Ours, given back, or silent for as long as its holder promised to be heard."""
        holder, sign = spec.get("holderIdentity"), (spec.get("holderIdentity"), spec.get("renewTime"))
        if not holder or holder == self._claim.holder:
            return True
        if sign != self._seen:
            self._seen, self._seen_at = sign, self._clock()
        return self._clock() - self._seen_at > int(spec.get("leaseDurationSeconds") or self._claim.duration_s)

    def _wanted(self, found: Manifest) -> Manifest:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        before = found.get("spec", {})
        is_new = before.get("holderIdentity") != self._claim.holder
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": found.get("metadata") or {"name": NAME, "namespace": self._claim.namespace},
            "spec": {
                "holderIdentity": self._claim.holder,
                "leaseDurationSeconds": self._claim.duration_s,
                "renewTime": now,
                "acquireTime": now if is_new else before.get("acquireTime", now),
                "leaseTransitions": int(before.get("leaseTransitions") or 0) + int(is_new and bool(found)),
            },
        }
