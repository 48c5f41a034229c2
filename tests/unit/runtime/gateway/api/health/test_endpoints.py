import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from support.gateway.scripted_gateway import fine, make_gateway
from supportplane_runtime import health
from supportplane_runtime.errors import StoreUnavailable
from supportplane_runtime.health import Probe


async def away() -> str:
    raise StoreUnavailable("PostgreSQL does not answer.")


async def broken() -> str:
    raise ZeroDivisionError("with a secret in it")


async def hanging() -> str:
    await asyncio.Event().wait()
    return "never"


async def fetch(*probes: Probe, path: str) -> httpx2.Response:
    async with make_gateway(probes=probes) as gateway, gateway.client() as client:
        return await client.get(path)


async def test_health_says_of_each_part_how_it_is() -> None:
    reply = await fetch(Probe("database", fine), Probe("model", away, required=False), path="/health")
    assert reply.status_code == 200
    body = reply.json()
    assert body["status"] == "degraded"
    assert body["parts"] == [
        {"name": "database", "status": "ok", "required": True, "detail": "Well."},
        {"name": "model", "status": "failed", "required": False, "detail": "PostgreSQL does not answer."},
    ]


@pytest.mark.parametrize(("probe", "status", "ready"), [(fine, "ok", 200), (away, "down", 503), (broken, "down", 503)])
async def test_readiness_needs_every_required_part(
    probe: Callable[[], Awaitable[str]], status: str, ready: int
) -> None:
    part = Probe("database", probe)
    assert (await fetch(part, path="/health")).json()["status"] == status
    assert (await fetch(part, path="/readyz")).status_code == ready


async def test_a_part_that_is_not_needed_does_not_take_readiness() -> None:
    assert (await fetch(Probe("model", away, required=False), path="/readyz")).status_code == 200


async def test_the_reasons_name_the_part() -> None:
    reply = await fetch(Probe("database", away), path="/readyz")
    assert reply.json() == {"ready": False, "reasons": ["database: PostgreSQL does not answer."]}


async def test_a_broken_check_tells_no_secret() -> None:
    assert "secret" not in (await fetch(Probe("database", broken), path="/health")).text


async def test_a_part_that_hangs_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PROBE_TIMEOUT_S", 0.01)
    part = (await fetch(Probe("database", hanging), path="/health")).json()["parts"][0]
    assert (part["status"], part["detail"]) == ("failed", "No reply in 0.01 s.")


async def test_the_process_is_alive_whatever_its_parts_are() -> None:
    reply = await fetch(Probe("database", away), path="/livez")
    assert (reply.status_code, reply.json()) == (200, {"status": "alive"})


async def test_a_starting_gateway_says_so_to_who_asks() -> None:
    async def change(parts: dict[str, Any]) -> None:
        parts["awaited"] = (Probe("index", away),)

    async with make_gateway(probes=(), change_parts=change) as gateway, gateway.client() as client:
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/health")).json()["status"] == "starting"
        assert (await client.get("/livez")).status_code == 200


async def test_metrics_are_in_the_text_format_of_prometheus() -> None:
    reply = await fetch(path="/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    for name in (
        "supportplane_http_requests_total",
        "supportplane_http_request_seconds_bucket",
        "supportplane_first_token_seconds_count",
        "supportplane_streams_open",
        "supportplane_limit_decisions_total",
        "supportplane_turns_refused_total",
        "supportplane_auth_failures_total",
        "supportplane_audit_entries_total",
    ):
        assert name in reply.text
