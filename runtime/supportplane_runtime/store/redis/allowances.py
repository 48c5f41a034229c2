"""What Redis granted and what a process granted without Redis, set against each other; pure, used by limits.py.

Redis does not know the requests that were granted while it was silent, or while the process was late with reading its
answer, and the process does not know its share of what Redis granted. Without this each silence would begin a new
allowance. What the other gateways grant without Redis is not known either: each is taken to grant as much as this one.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final

from supportplane_runtime.store.interfaces.limits import LimitDecision

MAX_SUBJECTS: Final = 20_000  # about 6 MB; the one that was seen longest ago goes first

Subject = tuple[str, str, str]  # tenant, whom the scope counts by, scope


@dataclass(slots=True)
class _Seen:
    """left: what Redis said last is left; alone: granted without Redis in this window. Each until a time."""

    left: int = 0
    left_until: float = 0.0
    alone: int = 0
    alone_until: float = 0.0


class Allowances:
    """clock: seconds that never jump."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._subjects: OrderedDict[Subject, _Seen] = OrderedDict()

    def told(self, subject: Subject, decision: LimitDecision, *, gateways: int = 1) -> LimitDecision:
        """A decision of Redis, refused when what all gateways granted without Redis has used up what is left."""
        now, seen = self._clock(), self._seen(subject)
        seen.left, seen.left_until = decision.remaining, now + decision.window_s
        is_used_up = now < seen.alone_until and seen.alone * gateways > decision.remaining
        return _refused(decision) if is_used_up else decision

    def alone(self, subject: Subject, decision: LimitDecision, *, gateways: int = 1) -> LimitDecision:
        """A decision of this process, refused when Redis has not left so much for each gateway."""
        now, seen = self._clock(), self._seen(subject)
        if now >= seen.alone_until:
            seen.alone, seen.alone_until = 0, now + decision.window_s
        if now < seen.left_until and (seen.alone + 1) * gateways > seen.left:
            return _refused(decision)
        seen.alone += decision.allowed
        return decision

    def _seen(self, subject: Subject) -> _Seen:
        seen = self._subjects.setdefault(subject, _Seen())
        self._subjects.move_to_end(subject)
        if len(self._subjects) > MAX_SUBJECTS:
            self._subjects.popitem(last=False)
        return seen


def _refused(decision: LimitDecision) -> LimitDecision:
    return replace(decision, allowed=False, remaining=0)
