"""Refused calls for the audit log: a flood of them fills neither the disk nor the queue of honest entries.

The first few of a source and minute are entries of their own. The others are one entry with their number, the first
and the last time, written when the minute is over. Sources beyond the first fifty of a minute share one entry. So a
process writes at most ``MAX_ROWS_A_MINUTE`` rows of refused calls, whoever calls. Used by log.py.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic

from supportplane_runtime.store.interfaces.audit import NOBODY, AuditEntry

REFUSED_CALLS = "refused calls"  # the action of an entry that counts many
WINDOW_S = 60.0
FIRST_ENTRIES = 3  # enough to see what is tried
MAX_SOURCES = 50  # more than fifty misbehaving addresses in a minute are an attack, and its size says more than a list
MAX_ROWS_A_MINUTE = MAX_SOURCES * (FIRST_ENTRIES + 1) + 1

Source = tuple[str, str, str]  # tenant, actor, where the calls come from
_OTHERS: Source = (NOBODY, NOBODY, "other addresses")


def is_refused(entry: AuditEntry) -> bool:
    """Whether the call did not get past authentication, or was over a limit. outcome: an HTTP status."""
    status = int(entry.outcome)
    unknown = entry.actor == NOBODY and status >= HTTPStatus.BAD_REQUEST
    return unknown or status == HTTPStatus.TOO_MANY_REQUESTS


@dataclass(slots=True)
class _Tally:
    """The calls of one source in its minute. entry: the last one that was counted here and not written."""

    began: float
    entry: AuditEntry
    written: int = 0
    first: datetime | None = None
    last: datetime | None = None
    outcomes: Counter[str] = field(default_factory=Counter)


class RefusedCalls:
    """clock: seconds that never jump. now: the time of day, for people."""

    def __init__(
        self, *, clock: Callable[[], float] = monotonic, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._clock = clock
        self._now = now
        self._tallies: dict[Source, _Tally] = {}

    def take(self, entry: AuditEntry, source: str) -> AuditEntry | None:
        """The entry, when it is to be written as it is; None when it is counted instead."""
        key = (entry.tenant, entry.actor, source)
        if key not in self._tallies and len(self._tallies) >= MAX_SOURCES:
            key = _OTHERS
        tally = self._tallies.setdefault(key, _Tally(self._clock(), entry))
        if key != _OTHERS and tally.written < FIRST_ENTRIES:
            tally.written += 1
            return entry
        tally.entry = entry
        tally.last = self._now()
        tally.first = tally.first or tally.last
        tally.outcomes[entry.outcome] += 1
        return None

    def due(self, *, everything: bool = False) -> list[AuditEntry]:
        """The entries of minutes that are over, or of all, which are forgotten here."""
        over = self._clock() - WINDOW_S
        ended = [key for key, tally in self._tallies.items() if everything or tally.began <= over]
        tallies = [(key, self._tallies.pop(key)) for key in ended]
        return [_summary(key, tally) for key, tally in tallies if tally.outcomes]


def _summary(source: Source, tally: _Tally) -> AuditEntry:
    tenant, actor, address = source
    assert tally.first is not None  # noqa: S101 - set with the first outcome
    assert tally.last is not None  # noqa: S101 - as above
    facts = {
        "client": address,
        "calls": tally.outcomes.total(),
        "outcomes": dict(tally.outcomes),
        "first_at": tally.first.isoformat(),
        "last_at": tally.last.isoformat(),
        "last_action": tally.entry.action,
    }
    return replace(tally.entry, tenant=tenant, actor=actor, action=REFUSED_CALLS, outcome="refused", facts=facts)
