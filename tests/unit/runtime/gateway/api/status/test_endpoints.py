import time
import warnings
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
import structlog
from hypothesis import given
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet, OctKey, OKPKey

from support.gateway.scripted_gateway import TestGateway, fine, make_gateway
from support.gateway.signed_values import SEGMENTS, tokens
from supportplane_crds.runtime_status import KnowledgeCount, OrchestratorStatus, Part
from supportplane_runtime.errors import InvalidRequest, StoreUnavailable, Unauthenticated, Unavailable
from supportplane_runtime.gateway.api.status.tokens import check_token, read_operator_keys
from supportplane_runtime.health import Probe

PATH = "/internal/v1/status"
AUDIENCE = "shops/acme"
KEY = OKPKey.generate_key("Ed25519", {"kid": "k1"})
OTHER = OKPKey.generate_key("Ed25519", {"kid": "k1"})
PUBLIC = KeySet.import_key_set(KeySet([KEY]).as_dict(private=False))
SHARED = OctKey.import_key(orjson.dumps(PUBLIC.as_dict()))


NO_CHANGE = {"embedding": "", "next_embedding": "", "embedded": 0}  # as an orchestrator that does not tell


def now() -> int:
    return int(time.time())


def token(key: Any = KEY, alg: str = "EdDSA", **claims: Any) -> str:
    usual = {"iss": "supportplane-operator", "aud": AUDIENCE, "exp": now() + 120}
    chosen = {name: value for name, value in (usual | claims).items() if value is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.encode({"alg": alg, "kid": "k1"}, chosen, key, algorithms=[alg])


async def reporting() -> OrchestratorStatus:
    model = Part("model", ok=False, required=False, detail="The model server does not answer")
    return OrchestratorStatus((model,), (KnowledgeCount("handbook", 12, 340),))


async def away() -> str:
    raise StoreUnavailable("PostgreSQL does not answer")


@pytest.fixture
async def gateway() -> AsyncIterator[TestGateway]:
    async def change(parts: dict[str, Any]) -> None:
        parts |= {"operator_keys": PUBLIC, "reporting": reporting, "mode": "Auto"}

    probes = (Probe("database", fine), Probe("orchestrator", away), Probe("model", fine, required=False))
    async with make_gateway(
        probes=probes, change_parts=change, status_audience=AUDIENCE, revision="0123456789"
    ) as made:
        yield made


async def ask(gateway: TestGateway, authorization: str | None) -> httpx2.Response:
    headers = {"authorization": authorization} if authorization is not None else {}
    async with gateway.client(**headers) as client:
        return await client.get(PATH)


async def test_the_operator_learns_how_everything_is(gateway: TestGateway) -> None:
    reply = await ask(gateway, f"Bearer {token()}")
    assert reply.status_code == 200
    body = reply.json()
    assert body.pop("version")
    assert body == {
        "revision": "0123456789",
        "mode": "Auto",
        "components": [
            {"name": "database", "ok": True, "required": True, "detail": "Well."},
            {"name": "orchestrator", "ok": False, "required": True, "detail": "PostgreSQL does not answer"},
            {"name": "model", "ok": False, "required": False, "detail": "The model server does not answer"},
        ],
        "knowledge": [{"name": "handbook", "documents": 12, "chunks": 340, "skipped": 0, "failed": False, **NO_CHANGE}],
    }


async def test_what_nobody_can_tell_is_said_so(gateway: TestGateway) -> None:
    async def silent() -> OrchestratorStatus:
        raise Unavailable("The orchestrator does not answer")

    state = gateway.app.state.gateway
    gateway.app.state.gateway = replace(state, parts=replace(state.parts, reporting=silent))
    body = (await ask(gateway, f"Bearer {token()}")).json()
    unknown = {part["name"]: part["detail"] for part in body["components"] if part["ok"] is None}
    assert unknown == dict.fromkeys(("model", "knowledge"), "Not known: The orchestrator does not answer")
    assert body["knowledge"] == []


# Made when they are presented: made at import, all would have expired by the time a long session comes here.
WRONG: dict[str, Callable[[], str | None]] = {
    "none": lambda: None,
    "not bearer": lambda: f"Basic {token()}",
    "nonsense": lambda: "Bearer nonsense",
    "another audience": lambda: f"Bearer {token(aud='shops/other')}",
    "no audience": lambda: f"Bearer {token(aud=None)}",
    "another issuer": lambda: f"Bearer {token(iss='somebody')}",
    "expired": lambda: f"Bearer {token(exp=now() - 3600)}",
    "no expiry": lambda: f"Bearer {token(exp=None)}",
    "too long a life": lambda: f"Bearer {token(exp=now() + 3600)}",
    "not valid yet": lambda: f"Bearer {token(nbf=now() + 3600)}",
    "another key": lambda: f"Bearer {token(OTHER)}",
    "the public key as a shared secret": lambda: f"Bearer {token(SHARED, 'HS256')}",
}


@pytest.mark.parametrize("present", WRONG.values(), ids=WRONG)
async def test_nobody_else_learns_anything(gateway: TestGateway, present: Callable[[], str | None]) -> None:
    presented = present()
    with structlog.testing.capture_logs() as logs:
        reply = await ask(gateway, presented)
    assert (reply.status_code, reply.json()["code"]) == (401, "unauthenticated")
    assert reply.headers["content-type"] == "application/problem+json"
    assert presented is None or presented.split()[-1] not in str(logs) + reply.text


@given(presented=tokens() | SEGMENTS.map(".".join))
def test_whatever_is_sent_as_a_token_is_refused(presented: str) -> None:
    with pytest.raises(Unauthenticated):
        check_token(presented, PUBLIC, audience=AUDIENCE)


async def test_the_newer_name_of_the_algorithm_is_known(gateway: TestGateway) -> None:
    assert (await ask(gateway, f"Bearer {token(alg='Ed25519')}")).status_code == 200


async def test_an_api_key_is_not_enough(gateway: TestGateway) -> None:
    assert (await ask(gateway, f"Bearer {gateway.key.plain}")).status_code == 401


async def test_without_a_configured_key_there_is_nothing_here() -> None:
    async with make_gateway(status_audience=AUDIENCE) as gateway:
        assert (await ask(gateway, f"Bearer {token()}")).status_code == 404


def test_keys_are_read_from_the_file_and_a_wrong_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "operator.jwks.json"
    path.write_bytes(orjson.dumps(PUBLIC.as_dict()))
    keys = read_operator_keys(path)
    assert keys is not None
    assert keys.as_dict() == PUBLIC.as_dict()
    assert read_operator_keys(None) is None
    for content in (b"", b"[]", b"{}", b'{"keys": [{"kty": "?"}]}'):
        path.write_bytes(content)
        with pytest.raises(InvalidRequest, match=r"operator.jwks.json holds no JWK set"):
            read_operator_keys(path)
