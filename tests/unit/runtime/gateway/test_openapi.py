from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

from support.gateway.scripted_gateway import TestGateway
from supportplane_runtime.gateway.http.problems import MEDIA_TYPE

OPEN = {"/livez", "/readyz", "/health", "/metrics", "/api/v1/sessions"}


@pytest.fixture
def document(gateway: TestGateway) -> dict[str, Any]:
    return gateway.app.openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Without HEAD: http/test_heads.py."""
    return [
        (path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "head"
    ]


def test_each_operation_says_what_authenticates_it(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    for path, operation in operations(document):
        assert ("security" in operation) is (path not in OPEN), path
        for way in operation.get("security", []):
            assert set(way) <= set(schemes)


def test_refusals_are_documented_as_problems(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")) and path != "/readyz":
                assert list(response["content"]) == [MEDIA_TYPE], (path, status)
        if "security" in operation:
            assert {"401", "403", "429"} <= set(operation["responses"]), path
        assert "422" not in operation["responses"]


def test_bodies_have_examples_that_fit_their_schema(document: dict[str, Any]) -> None:
    components = {"components": document["components"]}
    bodies = [operation["requestBody"] for _, operation in operations(document) if "requestBody" in operation]
    assert len(bodies) == 4
    for body in bodies:
        name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        schema = document["components"]["schemas"][name]
        for example in schema["examples"]:
            Draft202012Validator(schema | components).validate(example)
        assert schema["additionalProperties"] is False


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    def visit(node: Any) -> None:
        if isinstance(node, dict):
            reference = node.get("$ref", "")
            if reference.startswith("#/components/schemas/"):
                assert reference.rpartition("/")[2] in schemas
            for child in node.values():
                visit(child)
        elif isinstance(node, list):
            for child in node:
                visit(child)

    visit(document)


async def test_the_document_is_served_and_its_example_question_is_answered(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    [example] = document["components"]["schemas"]["QueryRequest"]["examples"]
    reply = await client.post("/api/v1/query", json=example)
    assert reply.status_code == 200
    schema = document["components"]["schemas"]["QueryReply"] | {"components": document["components"]}
    Draft202012Validator(schema).validate(reply.json())
    assert set(schema["properties"]) == set(reply.json())
