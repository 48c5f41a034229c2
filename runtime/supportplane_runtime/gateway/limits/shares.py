"""Who gets a place for a running turn: a visitor and an address have a share of them, and visitors wait for a place.

Without shares a visitor with many questions at once, or an address with many visitors, would hold all places, and
another's first question would be refused. Servers with a secret key are refused at once when there is no place, as they
share by themselves. Called by asking.py.
"""

import asyncio
from collections import Counter
from typing import Final

from supportplane_crds.support_agent import LimitScope
from supportplane_runtime import metrics
from supportplane_runtime.errors import RateLimited, RuntimeFault
from supportplane_runtime.gateway.limits.admission import Admission
from supportplane_runtime.gateway.limits.counting import Asker, seconds

PATIENCE_S: Final = (
    15.0  # how long a visitor's question waits for a place, as one waits to be made (pacing.py); a guess
)
MAX_WAITING: Final = 256  # of an address; each holds a connection
USER_SHARE: Final = 8  # a user has an eighth of the places, an address half of them
ADDRESS_SHARE: Final = 2


class Shares:
    def __init__(self, admission: Admission, *, patience_s: float = PATIENCE_S) -> None:
        self._admission = admission
        self._patience_s = patience_s
        self._held: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._line: dict[asyncio.Future[None], Asker] = {}  # in order of arrival

    async def take(self, asker: Asker) -> None:
        """A place; whoever has one must ``give_back``. Raises Draining, Overloaded, RateLimited."""
        if asker.user is None or self._fits(asker):
            self._admit(asker)
        elif self._waiting[self._line_of(asker)] >= MAX_WAITING:
            raise self._refusal(asker)
        else:
            await self._wait(asker)

    def give_back(self, asker: Asker, *, took_s: float | None = None) -> None:
        self._admission.release(took_s=took_s)
        for share in _shares(asker):
            self._held[share] -= 1
            if not self._held[share]:
                del self._held[share]
        self._serve()

    def _admit(self, asker: Asker) -> None:
        self._admission.admit()
        self._held.update(_shares(asker))

    def _fits(self, asker: Asker) -> bool:
        return not self._admission.is_full and self._full_share(asker) is None

    def _full_share(self, asker: Asker) -> LimitScope | None:
        if asker.user is not None and self._held[f"user {asker.user}"] >= self._share(USER_SHARE):
            return LimitScope.USER
        if asker.address is not None and self._held[f"address {asker.address}"] >= self._share(ADDRESS_SHARE):
            return LimitScope.IP
        return None

    def _share(self, part: int) -> int:
        return max(1, self._admission.max_running // part)

    def _line_of(self, asker: Asker) -> str:
        return asker.address or asker.user or ""

    async def _wait(self, asker: Asker) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line[place] = asker
        self._waiting[self._line_of(asker)] += 1
        try:
            await asyncio.wait({place}, timeout=self._patience_s)
        except asyncio.CancelledError:
            if place.done() and place.exception() is None:
                self.give_back(asker)
            raise
        finally:
            self._leave_line(place, asker)
        if not place.done():
            raise self._refusal(asker)
        place.result()

    def _leave_line(self, place: asyncio.Future[None], asker: Asker) -> None:
        self._line.pop(place, None)
        self._waiting[self._line_of(asker)] -= 1
        if not self._waiting[self._line_of(asker)]:
            del self._waiting[self._line_of(asker)]

    def _serve(self) -> None:
        """Whoever came first and fits; who waits for its own share does not stop those behind."""
        for place, asker in tuple(self._line.items()):
            if self._admission.is_full:
                return
            if self._fits(asker):
                del self._line[place]
                self._hand_over(place, asker)

    def _hand_over(self, place: asyncio.Future[None], asker: Asker) -> None:
        try:
            self._admit(asker)
        except RuntimeFault as fault:
            place.set_exception(fault)
        else:
            place.set_result(None)

    def _refusal(self, asker: Asker) -> RuntimeFault:
        scope, wait_s = self._full_share(asker), self._admission.retry_after_s
        if scope is None:
            return self._admission.overloaded()
        metrics.TURNS_REFUSED.labels("share").inc()
        who = "This user has" if scope is LimitScope.USER else "The visitors of this address have"
        share = self._share(USER_SHARE if scope is LimitScope.USER else ADDRESS_SHARE)
        detail = f"{who} {share} questions that are being answered, as many as are at once. Wait {seconds(wait_s)}."
        return RateLimited(detail, retry_after_s=wait_s, scope=scope)


def _shares(asker: Asker) -> list[str]:
    shares = [f"user {asker.user}"] if asker.user is not None else []
    return [*shares, f"address {asker.address}"] if asker.address is not None else shares
