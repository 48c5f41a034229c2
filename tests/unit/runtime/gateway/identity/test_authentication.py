import httpx2
import pytest
from prometheus_client import REGISTRY

from support.gateway.scripted_gateway import TestGateway

PATH = "/api/v1/conversations"
OWN = "http://127.0.0.1:8080"


async def get(gateway: TestGateway, path: str = PATH, **headers: str) -> httpx2.Response:
    async with gateway.client(**{name.replace("_", "-"): value for name, value in headers.items()}) as client:
        return await client.get(path)


def failures(reason: str) -> float:
    return REGISTRY.get_sample_value("supportplane_auth_failures_total", {"reason": reason}) or 0


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "missing"),
        ({"authorization": "Basic dTpw"}, "malformed"),
        ({"authorization": "Bearer"}, "malformed"),
        ({"authorization": "Bearer "}, "malformed"),
        ({"authorization": "Bearer not-a-key"}, "malformed"),
        ({"authorization": "Bearer sk_" + "a" * 5000}, "malformed"),
        ({"x-api-key": "sk_'; DROP TABLE api_keys; --"}, "malformed"),
        ({"x-api-key": "sk_doesnotexist_aaaaaaaaaaaaaaaaaaaaaaaa"}, "unknown"),
        ({"cookie": "supportplane_session=made-up", "origin": OWN}, "session"),
    ],
)
async def test_without_a_good_credential_the_answer_is_401_and_says_how(
    gateway: TestGateway, headers: dict[str, str], reason: str
) -> None:
    before = failures(reason)
    async with gateway.client(**headers) as client:
        reply = await client.get(PATH)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == 'Bearer realm="supportplane"'
    assert reply.json()["code"] == "unauthenticated"
    assert "\ufffd" not in reply.json()["detail"]
    assert failures(reason) == before + 1


async def test_strangers_bodies_are_not_read(gateway: TestGateway) -> None:
    async with gateway.client() as client:
        reply = await client.post("/api/v1/query", content=b"{broken", headers={"content-type": "application/json"})
    assert reply.status_code == 401


async def test_when_the_store_is_away_no_one_is_let_in(gateway: TestGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    from supportplane_runtime.errors import StoreUnavailable

    async def away(_plain: str) -> None:
        raise StoreUnavailable("The database does not answer.")

    monkeypatch.setattr(gateway.store.keys, "lookup", away)
    reply = await get(gateway, **gateway.key.headers)
    assert (reply.status_code, reply.json()["code"]) == (503, "store-unavailable")
    assert reply.headers["retry-after"] == "2"
