"""Slows down a source whose calls keep being refused, so that guessing and flooding cost the source and not customers.

A source has an allowance of refused calls a minute. Beyond it, its refusals are answered one after the other at a
fixed rate, however many connections it opens, and credentials that are not known to be good wait in the same row before
they are looked up. Calls with good credentials never wait, whatever else comes from their address: an office and its
worst visitor may share one. The counts are this process's own. Called by http/observation.py and identity/.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic

from supportplane_runtime.errors import RateLimited, RuntimeFault
from supportplane_runtime.store.credentials import digest

ALLOWANCE = 60  # a minute: a program with a wrong key in a loop sees plenty of 401s before it is slowed
WINDOW_S = 60.0
SPACING_S = 0.05  # between two refusals of a source: 20 a second cost 2 % of a core
LONGEST_WAIT_S = 5.0  # what an honest new key waits at most beside a flood from its own address
MAX_SOURCES = 10_000  # about 3 MB; the one that was refused longest ago goes first
MAX_GOOD = 10_000  # about 2 MB
REFUSED_CALLS = "RefusedCalls"  # named as the limits of the agent file are, beside which this one always holds
_OF_STRANGERS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(slots=True)
class _Refused:
    """The refused calls of a source. next_at: when its next refusal may be answered."""

    began: float
    count: int = 0
    next_at: float = 0.0


class Tarpit:
    """clock: seconds that never jump."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._refused: OrderedDict[str, _Refused] = OrderedDict()
        self._good: OrderedDict[bytes, None] = OrderedDict()

    def is_over(self, source: str) -> bool:
        """Whether the source has used its allowance of refused calls."""
        refused = self._refused.get(source)
        return refused is not None and refused.count > ALLOWANCE and self._clock() - refused.began < WINDOW_S

    def count(self, source: str) -> None:
        """A call of the source was refused. A minute begins with its first one."""
        now = self._clock()
        refused = self._refused.pop(source, None)
        if refused is None or now - refused.began >= WINDOW_S:
            refused = _Refused(began=now)
        refused.count += 1
        self._refused[source] = refused
        if len(self._refused) > MAX_SOURCES:
            self._refused.popitem(last=False)

    def wait_s(self, source: str) -> float:
        """How long the next refusal of the source has to wait. The place in the row is taken with the asking."""
        if not self.is_over(source):
            return 0.0
        now, refused = self._clock(), self._refused[source]
        at = max(now, refused.next_at)
        if at > now + LONGEST_WAIT_S:  # the row is too long: those at its end go at random, so that they come back so
            return LONGEST_WAIT_S * random.uniform(0.5, 1)  # noqa: S311 - no secret
        refused.next_at = at + SPACING_S
        return at - now

    async def before_lookup(self, source: str, secret: str) -> None:
        """Waits where the source is over its allowance and the secret was never seen to be good."""
        if self.is_over(source) and digest(secret) not in self._good:
            await asyncio.sleep(self.wait_s(source))

    async def before_refusal(self, source: str) -> None:
        """Counts the refused call, and waits where the source is over its allowance."""
        self.count(source)
        if self.is_over(source):
            await asyncio.sleep(self.wait_s(source))

    def remember_good(self, secret: str) -> None:
        name = digest(secret)  # never the secret itself: it would stay in memory
        self._good.pop(name, None)
        self._good[name] = None
        if len(self._good) > MAX_GOOD:
            self._good.popitem(last=False)

    def judged(self, fault: RuntimeFault, source: str) -> RuntimeFault:
        """The fault, or for a source over its allowance the limit with the reason of this refusal."""
        if fault.status_code not in _OF_STRANGERS or not self.is_over(source):
            return fault
        return RateLimited(
            f"More than {ALLOWANCE} calls from this address were refused within a minute. The last one: {fault.detail}",
            retry_after_s=int(WINDOW_S),
            scope=REFUSED_CALLS,
        )
