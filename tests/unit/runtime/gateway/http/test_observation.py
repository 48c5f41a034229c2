import httpx2
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from support.gateway.scripted_gateway import TestGateway
from supportplane_runtime.store.interfaces.audit import AuditEntry

ASK = {"query": "my card number is 4111", "user_id": "u1"}


def requests_counted(method: str, route: str, status: str) -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("supportplane_http_requests_total", labels) or 0


async def audited(gateway: TestGateway) -> list[AuditEntry]:
    """What the gateway's audit log wrote; it is flushed as at a stop."""
    log = gateway.app.state.gateway.audit_log
    log.start()
    await log.stop()
    entries = [
        entry for tenant in ("acme", "rival", "-") for entry in await gateway.store.audit.listing(tenant, limit=100)
    ]
    return [entry for entry in entries if entry.action != "turn.end"]


async def test_requests_are_counted_by_template_and_never_by_path(client: httpx2.AsyncClient) -> None:
    template = "/api/v1/turns/{turn_id}"
    found, unmatched = requests_counted("GET", template, "4xx"), requests_counted("GET", "unmatched", "4xx")
    await client.get("/api/v1/turns/0f4cbe8e-2f6b-4f53-9a35-5f3d3a2f6c11")
    await client.get("/wp-login.php")
    await client.request("BREW", "/wp-login.php")
    assert requests_counted("GET", template, "4xx") == found + 1
    assert requests_counted("GET", "unmatched", "4xx") == unmatched + 1
    assert requests_counted("OTHER", "unmatched", "4xx") >= 1


async def test_a_callers_request_id_is_kept_when_it_is_harmless(client: httpx2.AsyncClient) -> None:
    kept = await client.get("/livez", headers={"x-request-id": "deploy-42.a_b"})
    assert kept.headers["x-request-id"] == "deploy-42.a_b"
    for wrong in ("short", "a" * 65, "new\tline-and-more", "<script>alert</script>"):
        assert (await client.get("/livez", headers={"x-request-id": wrong})).headers["x-request-id"] != wrong


async def test_every_api_call_is_audited_without_content(gateway: TestGateway) -> None:
    async with gateway.client(**gateway.key.headers) as client:
        reply = (await client.post("/api/v1/query", json=ASK)).json()
        await client.get("/livez")
    async with gateway.client() as client:
        await client.get("/api/v1/tickets")
    refused, asked = sorted(await audited(gateway), key=lambda entry: entry.action)
    assert (asked.tenant, asked.actor) == ("acme", gateway.key.record.key_id)
    assert (asked.action, asked.outcome) == ("POST /api/v1/query", "200")
    assert asked.facts["turn_id"] == reply["turn_id"]
    assert asked.facts["conversation_id"] == reply["conversation_id"]
    assert (refused.tenant, refused.actor) == ("-", "-")
    assert (refused.action, refused.outcome) == ("GET /api/v1/tickets", "401")
    assert "4111" not in repr([asked, refused])
    assert gateway.key.plain not in repr([asked, refused])


async def test_a_bug_is_a_500_problem_and_is_logged_without_content(
    gateway: TestGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    quoted = "4" + "111"

    async def broken(*_args: object, **_kwargs: object) -> None:
        raise ZeroDivisionError(f"a library's message that quotes {quoted}")

    monkeypatch.setattr(gateway.store.records, "conversations", broken)
    counted = requests_counted("GET", "/api/v1/conversations", "5xx")
    with capture_logs() as logs:
        async with gateway.client(**gateway.key.headers) as client:
            reply = await client.get("/api/v1/conversations")
    assert (reply.status_code, reply.json()["code"]) == (500, "internal")
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert requests_counted("GET", "/api/v1/conversations", "5xx") == counted + 1
    [crash] = [entry for entry in logs if entry["event"] == "request_crashed"]
    assert crash["error"] == "ZeroDivisionError"
    assert "list_conversations" in crash["frames"]
    assert "4111" not in repr(logs)
    assert "4111" not in reply.text
