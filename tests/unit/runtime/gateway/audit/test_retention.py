from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from supportplane_runtime.gateway.audit import retention
from supportplane_runtime.gateway.audit.retention import Audited, AuditRetention
from supportplane_runtime.store.interfaces.audit import AuditEntry
from supportplane_runtime.store.memory.store import MemoryStore

SHOP = Audited("acme", "shop", keep=timedelta(0))


async def filled(entries: int) -> MemoryStore:
    store = MemoryStore()
    await store.audit.record([AuditEntry("acme", "k1", f"call {n}", "200", {}, "shop") for n in range(entries)])
    return store


async def test_expired_entries_are_deleted_in_short_statements_until_none_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "BATCH_SIZE", 3)
    store = await filled(10)
    await AuditRetention(store.audit, SHOP).expire()
    assert await store.audit.listing("acme", limit=99) == []


async def test_the_size_of_the_log_is_a_metric() -> None:
    store = await filled(10)
    await AuditRetention(store.audit, Audited("acme", "shop", keep=timedelta(days=1))).expire()
    assert REGISTRY.get_sample_value("supportplane_audit_size_bytes") == await store.audit.size_bytes()
    assert len(await store.audit.listing("acme", limit=99)) == 10


async def test_without_a_policy_nothing_expires() -> None:
    store = await filled(10)
    retention = AuditRetention(store.audit, None)
    retention.start()
    await retention.stop()
    assert len(await store.audit.listing("acme", limit=99)) == 10
