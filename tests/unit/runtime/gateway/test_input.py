"""Whatever is sent, the answer is a documented one with a reason, and never a 5xx."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from support.gateway.schema_values import ANYTHING, NASTY, near_misses, values
from support.gateway.scripted_gateway import TestGateway, make_gateway

JSON = {"content-type": "application/json"}
EXAMPLES = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    spec: dict[str, Any] = field(compare=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@cache
def document() -> dict[str, Any]:
    from fastapi import FastAPI

    from supportplane_runtime.gateway.application import create_app  # only to read its document

    app: FastAPI = create_app(*_nothing())
    return app.openapi()


def _nothing() -> Any:
    from support.gateway.scripted_gateway import ScriptedTurns, make_settings
    from supportplane_runtime.gateway.parts import GatewayParts
    from supportplane_runtime.store.memory.limits import memory_rate_limiter
    from supportplane_runtime.store.memory.store import MemoryStore

    store = MemoryStore()
    parts = GatewayParts(
        turns=ScriptedTurns(store),
        lookup=store.turnbook,
        records=store.records,
        feedback=store.feedback,
        gaps=store.gaps,
        keys=store.keys,
        sessions=store.sessions,
        limiter=memory_rate_limiter({}),
        audit=store.audit,
        visitor_secret=b"v" * 32,
    )
    return parts, make_settings()


def operations(*, with_body: bool) -> list[Operation]:
    found = [
        Operation(method.upper(), path, spec)
        for path, methods in document()["paths"].items()
        for method, spec in methods.items()
        if method != "head"  # GET without a body: http/test_heads.py
    ]
    return [operation for operation in found if ("requestBody" in operation.spec) is with_body]


def body_schema(operation: Operation) -> dict[str, Any]:
    schema: dict[str, Any] = operation.spec["requestBody"]["content"]["application/json"]["schema"]
    return schema


@pytest.fixture(scope="module")
async def gateway() -> AsyncIterator[TestGateway]:
    async with make_gateway() as made:
        yield made


@pytest.fixture(scope="module")
async def client(gateway: TestGateway) -> AsyncIterator[httpx2.AsyncClient]:
    async with gateway.client(**gateway.key.headers) as made:
        yield made


@cache
def validator(operation: Operation, status: int, media_type: str) -> Draft202012Validator:
    body = operation.spec["responses"][str(status)]["content"][media_type]["schema"]
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": document()["components"]}
    return Draft202012Validator(schema | body)


@cache
def bodies(operation: Operation) -> st.SearchStrategy[Any]:
    schema = body_schema(operation)
    return values(schema, document()) | near_misses(schema, document())


def check(operation: Operation, reply: httpx2.Response) -> None:
    """The status is documented and not 5xx, the body is what the document says, a refusal says why."""
    assert reply.status_code < 500, reply.text
    documented = operation.spec["responses"]
    assert str(reply.status_code) in documented, (reply.status_code, reply.text)
    content = documented[str(reply.status_code)].get("content", {})
    media_type = reply.headers.get("content-type", "").partition(";")[0]
    assert media_type in content or not content, media_type
    if media_type.endswith("json"):
        validator(operation, reply.status_code, media_type).validate(reply.json())
    if reply.status_code >= 400:
        assert reply.json()["detail"]


def encoded(value: Any) -> bytes:
    """As a careless client would: NaN and lone surrogates go out."""
    return json.dumps(value).encode()


@pytest.mark.parametrize("operation", operations(with_body=True), ids=str)
@given(data=st.data())
@EXAMPLES
async def test_bodies_that_fit_or_nearly_fit(client: httpx2.AsyncClient, operation: Operation, data: Any) -> None:
    body = data.draw(bodies(operation))
    check(operation, await client.request(operation.method, operation.path, content=encoded(body), headers=JSON))


@pytest.mark.parametrize("operation", operations(with_body=True), ids=str)
@given(body=st.binary(max_size=300) | ANYTHING.map(encoded).map(lambda text: text[:-1]))
@EXAMPLES
async def test_bodies_that_are_no_json(client: httpx2.AsyncClient, operation: Operation, body: bytes) -> None:
    check(operation, await client.request(operation.method, operation.path, content=body, headers=JSON))


def segment(value: str) -> str:
    """Encoded so that it arrives as it is: of dots that stand there as such, the client makes another path."""
    return quote(value, safe="").replace(".", "%2E")


@pytest.mark.parametrize("operation", [each for each in operations(with_body=False) if "{" in each.path], ids=str)
@pytest.mark.parametrize("dots", [".", "..", "...", "../..", "./x"])
async def test_steps_in_a_path_are_values_like_others(
    client: httpx2.AsyncClient, operation: Operation, dots: str
) -> None:
    reply = await client.request(operation.method, re.sub(r"\{\w+\}", segment(dots), operation.path))
    assert 400 <= reply.status_code < 500, reply.text
    assert reply.json()["detail"]


STORABLE = (
    (st.uuids().map(str) | NASTY.filter(lambda text: "\ud800" not in text) | st.text(max_size=20))
    .filter(lambda text: text.isprintable() or "\x00" in text)
    .filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text))
)


@pytest.mark.parametrize("operation", operations(with_body=False), ids=str)
@given(data=st.data())
@EXAMPLES
async def test_paths_and_parameters(client: httpx2.AsyncClient, operation: Operation, data: Any) -> None:
    path = operation.path
    query: dict[str, str] = {}
    for parameter in operation.spec.get("parameters", []):
        value = data.draw(STORABLE)
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", segment(value[:300]) or "x")
        elif parameter["in"] == "query" and data.draw(st.booleans()):
            query[parameter["name"]] = value[:300]
    reply = await client.request(operation.method, f"{path}?{urlencode(query)}")
    if reply.status_code == 404 and "There is nothing at this path" in reply.text:
        return  # the value made it another path
    check(operation, reply)


WRONG_BODIES: dict[str, bytes] = {
    "nothing": b"",
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "an open brace": b"{",
    "NaN": b'{"query": "Hi?", "user_id": "u", "context": {"a": NaN}}',
    "infinity": b'{"query": "Hi?", "user_id": "u", "context": {"a": -Infinity}}',
    "a duplicate key": b'{"query": "Hi?", "query": "Ho?", "user_id": "u"}',
    "an unknown key": b'{"query": "Hi?", "user_id": "u", "qurey": 1}',
    "a number for text": b'{"query": 1, "user_id": "u"}',
    "text for an object": b'{"query": "Hi?", "user_id": "u", "context": "x"}',
    "true for text": b'{"query": true, "user_id": "u"}',
    "no query": b'{"user_id": "u"}',
    "a blank query": b'{"query": "  \\n ", "user_id": "u"}',
    "too long a query": b'{"query": "' + b"x" * 8001 + b'", "user_id": "u"}',
    "too long a user": b'{"query": "Hi?", "user_id": "' + b"u" * 129 + b'"}',
    "control characters in the user": b'{"query": "Hi?", "user_id": "a\\nb"}',
    "no uuid": b'{"query": "Hi?", "user_id": "u", "turn_id": "1"}',
    "a number for a uuid": b'{"query": "Hi?", "user_id": "u", "turn_id": 1}',
    "NUL": b'{"query": "Hi\\u0000?", "user_id": "u"}',
    "half a surrogate pair": b'{"query": "Hi\\ud83d?", "user_id": "u"}',
    "NUL in a context's key": b'{"query": "Hi?", "user_id": "u", "context": {"\\u0000": 1}}',
    "bad UTF-8": b'{"query": "\xff\xfe", "user_id": "u"}',
    "UTF-16": '{"query": "Hi?", "user_id": "u"}'.encode("utf-16"),
    "depth": b'{"query": "Hi?", "user_id": "u", "context": ' + b'{"a":' * 9000 + b"1" + b"}" * 9001,
    "depth of lists": b'{"query": "Hi?", "user_id": "u", "context": {"a": ' + b"[" * 9000 + b"]" * 9000 + b"}}",
    "a huge number": b'{"query": "Hi?", "user_id": "u", "context": {"a": ' + b"9" * 5000 + b"}}",
    "too large a number": b'{"query": "Hi?", "user_id": "u", "context": {"a": 1e400}}',
    "too big a context": json.dumps({"query": "Hi?", "user_id": "u", "context": {"a": "x" * 17000}}).encode(),
    "thousands of unknown keys": json.dumps({f"k{n}": n for n in range(4000)}).encode(),
}


@pytest.mark.parametrize("path", ["/api/v1/query", "/api/v1/query/stream"])
@pytest.mark.parametrize("body", WRONG_BODIES.values(), ids=WRONG_BODIES.keys())
async def test_a_wrong_body_is_a_400_with_a_reason(
    client: httpx2.AsyncClient, gateway: TestGateway, path: str, body: bytes
) -> None:
    turns = len(gateway.turns.logs)
    reply = await client.post(path, content=body, headers=JSON)
    assert reply.status_code == 400, reply.text
    problem = reply.json()
    assert problem["code"] == "invalid-request"
    assert len(problem["detail"]) > 10
    assert len(reply.content) < 8192
    assert len(gateway.turns.logs) == turns


async def test_each_wrong_field_is_named(client: httpx2.AsyncClient) -> None:
    reply = await client.post("/api/v1/query", json={"query": "", "user_id": 1, "extra": 2, "context": []})
    errors = {error["field"]: error["message"] for error in reply.json()["errors"]}
    assert set(errors) == {"query", "user_id", "extra", "context"}
    assert errors["extra"] == "Extra inputs are not permitted"


async def test_what_was_sent_is_not_sent_back(client: httpx2.AsyncClient) -> None:
    body = {"query": "my card 4111", "user_id": "u", "turn_id": "card-4111-oops", "context": {"a": "4111"}, "b": "4111"}
    assert "4111" not in (await client.post("/api/v1/query", json=body)).text.replace("card-4111", "")


async def test_the_depth_and_size_that_are_allowed_are_allowed(client: httpx2.AsyncClient) -> None:
    deep: dict[str, Any] = {}
    for _ in range(29):
        deep = {"a": deep}
    for context in (deep, {"a": "x" * 16000}, {"n": 2**63 - 1, "f": 1e308, "é": "🙂"}):
        reply = await client.post("/api/v1/query", json={"query": "Hi?", "user_id": "u", "context": context})
        assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/xml"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": "application/json", "content-encoding": "deflate, gzip"},
    ],
)
async def test_another_content_type_is_a_415(client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    body = b'{"query": "Hi?", "user_id": "u"}'
    reply = await client.post("/api/v1/query", content=body, headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (415, "unsupported-media-type")


async def test_unknown_parameters_of_listings_are_refused(client: httpx2.AsyncClient) -> None:
    for query in ("offset=1", "limit=0", "limit=101", "limit=x", "after=nonsense", "user_id=", "user_id=a%00b"):
        reply = await client.get(f"/api/v1/conversations?{query}")
        assert reply.status_code == 400, query


async def test_unknown_paths_and_methods_are_problems_too(client: httpx2.AsyncClient) -> None:
    unknown = await client.get("/api/v2/query")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not-found")
    wrong = await client.put("/api/v1/query")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method-not-allowed")
    assert wrong.headers["allow"] == "POST"
    for path in (f"/api/v1/turns/{uuid4()}/", "/api/v1/query/", "//api/v1/query", "/api/v1/%2e%2e/query"):
        assert (await client.get(path)).status_code in {404, 405}, path
