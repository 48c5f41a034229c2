import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import KeySet

from supportplane_crds.runtime_status import KnowledgeCount, Part, RuntimeStatus
from supportplane_operator import runtime_status
from supportplane_operator.cache import Key
from supportplane_operator.errors import Misconfigured, RuntimeSilent
from supportplane_operator.metrics import Metrics
from supportplane_operator.runtime_status import (
    Servers,
    Signer,
    StatusReader,
    parse_answer,
    question_after_s,
    read_signer,
)

AGENT = Key("SupportAgent", "acme", "helpdesk")
DEADLINE_S = 60.0  # for an answer, however busy the machine: here nobody stays silent
ANSWER = {
    "version": "0.1.0",
    "revision": None,
    "mode": "Auto",
    "components": [{"name": "model", "ok": False, "required": True, "detail": "no answer."}],
    "knowledge": [{"name": "handbook", "documents": 2, "chunks": 9, "skipped": 1, "failed": False}],
}
MODEL = Part("model", ok=False, required=True, detail="no answer")
REPORT = RuntimeStatus(
    version="0.1.0",
    revision=None,
    mode="Auto",
    components=(MODEL,),
    knowledge=(KnowledgeCount("handbook", 2, 9, 1),),
)


def pem(key: Any) -> bytes:
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    written: bytes = key.private_bytes(serialization.Encoding.PEM, form, plain)
    return written


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    (tmp_path / "key.pem").write_bytes(pem(Ed25519PrivateKey.generate()))
    return read_signer(tmp_path / "key.pem")


def test_a_token_is_for_one_agent_and_ends_soon(signer: Signer) -> None:
    keys = KeySet.import_key_set(json.loads(signer.jwks))
    token = jwt.decode(signer.token(AGENT), keys, algorithms=["Ed25519"])
    assert token.claims["iss"] == "supportplane-operator"
    assert token.claims["aud"] == "acme/helpdesk"
    assert 0 < token.claims["exp"] - token.claims["iat"] <= 300
    assert signer.token(AGENT) == signer.token(AGENT)
    assert signer.token(AGENT) != signer.token(AGENT._replace(name="other"))


def test_only_the_public_part_is_published(signer: Signer) -> None:
    (key,) = json.loads(signer.jwks)["keys"]
    assert "d" not in key
    assert key["crv"] == "Ed25519"


@pytest.mark.parametrize("content", [b"", b"not a key", pem(generate_private_key(SECP256R1()))])
def test_a_file_without_an_ed25519_key_stops_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.pem").write_bytes(content)
    with pytest.raises(Misconfigured, match="SIGNING_KEY_FILE"):
        read_signer(tmp_path / "key.pem")


def test_an_answer_is_understood() -> None:
    assert parse_answer(json.dumps(ANSWER).encode()) == REPORT


def changed(**parts: object) -> bytes:
    return json.dumps({**ANSWER, **parts}).encode()


def test_what_nobody_could_tell_is_neither_true_nor_false() -> None:
    part = {"name": "model", "ok": None, "required": False, "detail": "Not known: no orchestrator answers"}
    (found,) = parse_answer(changed(components=[part])).components
    assert found.ok is None


STRANGE = {
    "nothing": b"",
    "a page": b"<html>",
    "a list": b"[]",
    "a text": b'"x"',
    "no fields": b"{}",
    "numbers for parts": b'{"version": 1, "mode": "x", "components": [1]}',
    "nested without end": b"[" * 100_000,
    "an endless number": changed(knowledge=[{"name": "a", "documents": 7, "chunks": 1}]).replace(b" 7,", b" 1e999,"),
    "more than a status can hold": changed(knowledge=[{"name": "a", "documents": 2**31, "chunks": 1}]),
    "fewer than none": changed(knowledge=[{"name": "a", "documents": -1, "chunks": 1}]),
    "a name of a page": changed(knowledge=[{"name": "a" * 64, "documents": 1, "chunks": 1}]),
    "too many": changed(knowledge=[{"name": f"a{index}", "documents": 1, "chunks": 1} for index in range(17)]),
}


@pytest.mark.parametrize("body", STRANGE.values(), ids=STRANGE)
def test_a_strangers_answer_is_none(body: bytes) -> None:
    with pytest.raises(RuntimeSilent, match="not understood"):
        parse_answer(body)


class Served:
    """A gateway whose answer a test chooses, and a reader that asks it."""

    def __init__(self, signer: Signer) -> None:
        self.status = 200
        self.elsewhere: str | None = None
        self.padding = ""
        self.asked = 0
        self.fails = False
        self.version = ANSWER["version"]
        self.next_version: str | None = None  # from the second answer after it was set
        self.addresses: list[str] = []
        self.changes: asyncio.Queue[Key] = asyncio.Queue()
        self.reader = StatusReader(
            signer, self.find, changed=self.changes.put_nowait, timeout_s=DEADLINE_S, metrics=Metrics()
        )

    async def find(self, _: Key) -> list[str]:
        if self.fails:
            raise LookupError("the cluster is not what it should be")
        return self.addresses

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        headers = {"Location": self.elsewhere} if self.elsewhere and self.asked == 1 else {}
        status = self.status if self.elsewhere is None or headers else 200
        version = self.version
        if self.next_version is not None:
            self.version, self.next_version = self.next_version, None
        return web.json_response(
            {**ANSWER, "version": version, "padding": self.padding}, status=status, headers=headers
        )


@pytest_asyncio.fixture
async def served(signer: Signer) -> AsyncIterator[Served]:
    made, application = Served(signer), web.Application()
    application.router.add_get("/internal/v1/status", made.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.addresses = [f"127.0.0.1:{runner.addresses[0][1]}"]
    yield made
    await made.reader.close()
    await runner.cleanup()


async def test_an_answer_is_kept_and_told(served: Served) -> None:
    assert served.reader.answer(AGENT) == (None, None)
    served.reader.watch(AGENT, soon=True)
    assert await asyncio.wait_for(served.changes.get(), DEADLINE_S) == AGENT
    assert served.reader.answer(AGENT) == (REPORT, None)


async def reason_for_none(served: Served) -> str:
    """Why there is no report after the agent was asked."""
    served.reader.watch(AGENT, soon=True)
    await asyncio.wait_for(served.changes.get(), DEADLINE_S)
    report, reason = served.reader.answer(AGENT)
    assert report is None
    return str(reason)


async def test_a_refusal_is_the_reason_for_no_answer(served: Served) -> None:
    served.status = 401
    assert "401" in await reason_for_none(served)


async def test_nobody_sends_the_operator_elsewhere(served: Served) -> None:
    served.elsewhere = f"http://{served.addresses[0]}/internal/v1/status"
    served.status = 307
    assert "307" in await reason_for_none(served)
    assert served.asked == 1


async def test_an_answer_without_end_is_none(served: Served) -> None:
    served.padding = "x" * 300_000
    served.reader.watch(AGENT, soon=True)
    await asyncio.wait_for(served.changes.get(), DEADLINE_S)
    assert "not understood" in str(served.reader.answer(AGENT)[1])


async def test_an_operator_that_cannot_find_the_pods_goes_on_asking(served: Served) -> None:
    served.fails = True
    served.reader.watch(AGENT, soon=True)
    await asyncio.wait_for(served.changes.get(), DEADLINE_S)
    assert "could not ask" in str(served.reader.answer(AGENT)[1])
    served.fails = False
    served.reader.watch(AGENT, soon=True, by=Servers(pods=1))
    await asyncio.wait_for(served.changes.get(), DEADLINE_S)
    assert served.reader.answer(AGENT) == (REPORT, None)


async def test_a_pod_that_does_not_answer_is_passed_over(served: Served, free_port: int) -> None:
    served.addresses.insert(0, f"127.0.0.1:{free_port}")
    served.reader.watch(AGENT, soon=True)
    await asyncio.wait_for(served.changes.get(), DEADLINE_S)
    assert served.reader.answer(AGENT) == (REPORT, None)


async def test_another_revision_is_asked_at_once_and_again_while_connections_still_lead_to_the_old_one(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_status, "SELDOM_S", 3600.0)
    served.reader.watch(AGENT, soon=False, by=Servers(2, "old"))
    await asyncio.wait_for(served.changes.get(), DEADLINE_S)
    served.next_version = "0.2.0"
    served.reader.watch(AGENT, soon=False, by=Servers(2, "new"))
    await asyncio.wait_for(served.changes.get(), DEADLINE_S)
    report, _ = served.reader.answer(AGENT)
    assert report is not None
    assert report.version == "0.2.0"


@pytest.mark.parametrize(
    ("soon", "silent", "waits_s"),
    [(False, 0, [2, 4, 8, 16, 20, 20]), (True, 0, [2, 4, 8, 10, 10]), (False, 1, [20, 20])],
)
def test_questions_are_asked_ever_less_until_they_are_asked_as_usual(
    soon: bool, silent: int, waits_s: list[float]
) -> None:
    counted = range(1, len(waits_s) + 1)
    assert [question_after_s(soon=soon, silent=silent, answered=answered) for answered in counted] == waits_s


def test_an_agent_that_is_not_ready_and_stays_silent_is_asked_ever_less() -> None:
    waits_s = [question_after_s(soon=True, silent=silent, answered=3) for silent in (1, 2, 5, 6, 900)]
    assert waits_s == [2, 4, 32, 60, 60]


async def test_without_a_pod_there_is_no_answer(served: Served) -> None:
    served.addresses.clear()
    served.reader.watch(AGENT, soon=True)
    await asyncio.wait_for(served.changes.get(), DEADLINE_S)
    assert served.reader.answer(AGENT) == (None, "no pod of the gateway runs")


async def test_a_forgotten_agent_has_no_answer(served: Served) -> None:
    served.reader.watch(AGENT, soon=False)
    await asyncio.wait_for(served.changes.get(), DEADLINE_S)
    served.reader.forget(AGENT)
    assert served.reader.answer(AGENT) == (None, None)
