import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from supportplane_runtime.errors import StoreUnavailable
from supportplane_runtime.gateway.audit import log as audit
from supportplane_runtime.gateway.audit.log import AuditLog
from supportplane_runtime.store.interfaces.audit import NOBODY, AuditEntry

OFFICE = "192.0.2.1"


def entry(number: int) -> AuditEntry:
    return AuditEntry("acme", "k1", f"call {number}", "200", {})


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("supportplane_audit_entries_total", {"result": result}) or 0


class Journal:
    """Keeps what it is given; ``troubles`` are raised first, one a call."""

    def __init__(self, *troubles: Exception) -> None:
        self.troubles = list(troubles)
        self.batches: list[Sequence[AuditEntry]] = []

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.batches.append(entries)

    async def listing(self, tenant: str, *, limit: int) -> list[AuditEntry]:
        raise NotImplementedError

    async def expire(self, tenant: str, agent: str, *, older_than: timedelta, limit: int) -> int:
        raise NotImplementedError

    async def size_bytes(self) -> int:
        raise NotImplementedError

    @property
    def written(self) -> list[str]:
        return [entry.action for batch in self.batches for entry in batch]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "FLUSH_EVERY_S", 0.01)
    monkeypatch.setattr(audit, "FLUSH_ON_STOP_S", 0.2)


async def test_entries_are_written_in_order_and_in_batches() -> None:
    journal = Journal()
    log = AuditLog(journal)
    for number in range(500):
        log.add(entry(number), source=OFFICE)
    log.start()
    await log.stop()
    assert journal.written == [f"call {number}" for number in range(500)]
    assert [len(batch) for batch in journal.batches] == [200, 200, 100]


async def test_what_the_database_missed_while_it_was_away_is_written_once_when_it_is_back() -> None:
    journal = Journal(StoreUnavailable("away"), StoreUnavailable("away"))
    log = AuditLog(journal)
    log.add(entry(1), source=OFFICE)
    log.start()
    async with asyncio.timeout(30):
        while not journal.batches:  # noqa: ASYNC110 - the writer has no event to wait for
            await asyncio.sleep(0.005)
    await log.stop()
    assert journal.written == ["call 1"]


async def test_a_batch_that_can_never_be_written_is_dropped_and_counted_and_the_next_one_is_written() -> None:
    dropped = counted("dropped")
    journal = Journal(ValueError("not storable"))
    log = AuditLog(journal)
    for number in range(201):
        log.add(entry(number), source=OFFICE)
    log.start()
    await log.stop()
    assert journal.written == ["call 200"]
    assert counted("dropped") == dropped + 200


async def test_a_full_queue_drops_and_counts_and_never_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "QUEUE_LIMIT", 3)
    dropped = counted("dropped")
    journal = Journal()
    log = AuditLog(journal)
    for number in range(5):
        log.add(entry(number), source=OFFICE)
    log.start()
    await log.stop()
    assert journal.written == ["call 0", "call 1", "call 2"]
    assert counted("dropped") == dropped + 2


async def test_a_stop_without_a_database_ends_in_time_and_counts_what_is_lost() -> None:
    dropped = counted("dropped")
    log = AuditLog(Journal(*[StoreUnavailable("away")] * 1000))
    log.add(entry(1), source=OFFICE)
    log.start()
    await log.stop()
    assert counted("dropped") == dropped + 1


def refused(number: int) -> AuditEntry:
    return AuditEntry(NOBODY, NOBODY, f"GET /api/v1/tickets {number}", "401", {"client": OFFICE})


async def test_a_flood_of_refused_calls_is_a_few_entries_and_their_number() -> None:
    journal = Journal()
    log = AuditLog(journal, agent="helpdesk")
    for number in range(10_000):
        log.add(refused(number), source=OFFICE)
    log.start()
    await log.stop()
    entries = [entry for batch in journal.batches for entry in batch]
    assert [entry.outcome for entry in entries] == ["401", "401", "401", "refused"]
    assert entries[-1].facts["calls"] == 9_997
    assert {entry.agent for entry in entries} == {"helpdesk"}


async def test_refused_calls_never_take_the_place_of_honest_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "QUEUE_LIMIT", 4)
    monkeypatch.setattr(audit, "REFUSED_LIMIT", 2)
    journal = Journal()
    log = AuditLog(journal)
    for number in range(3):
        log.add(refused(number), source=OFFICE)
    for number in range(2):
        log.add(entry(number), source=OFFICE)
    log.start()
    await log.stop()
    assert journal.written[-2:] == ["call 0", "call 1"]
    assert len(journal.written) == 4
