"""Feedback over HTTP: what is given is read again, counted once, and shown as the API documents it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from jsonschema import Draft202012Validator
from prometheus_client import REGISTRY

from support.gateway.scripted_gateway import TestGateway, make_gateway
from supportplane_runtime.domain.conversation import Rating
from supportplane_runtime.gateway.ratings import MAX_ANSWERERS, NOT_KNOWN, OTHER, RatingCounts


async def rated(client: httpx2.AsyncClient, rating: str, **more: Any) -> dict[str, Any]:
    """The reply that was rated."""
    asked = await client.post("/api/v1/query", json={"query": "How do I rotate a key?", "user_id": "ada"})
    reply: dict[str, Any] = asked.json()
    await rate(client, reply["turn_id"], rating, **more)
    return reply


async def rate(client: httpx2.AsyncClient, turn_id: str, rating: str, **more: Any) -> None:
    reply = await client.post("/api/v1/feedback", json={"turn_id": turn_id, "rating": rating} | more)
    assert reply.status_code == 204, reply.text


def counted(agent: str, revision: str, rating: str) -> float | None:
    labels = {"agent": agent, "revision": revision, "rating": rating}
    return REGISTRY.get_sample_value("supportplane_feedback_total", labels)


def validator(gateway: TestGateway, name: str) -> Draft202012Validator:
    document = gateway.app.openapi()
    return Draft202012Validator(document["components"]["schemas"][name] | {"components": document["components"]})


async def test_feedback_is_listed_with_question_answer_and_sources(
    client: httpx2.AsyncClient, gateway: TestGateway
) -> None:
    reply = await rated(client, "down", comment="Which button?")

    page = (await client.get("/api/v1/feedback")).json()

    (item,) = page["items"]
    validator(gateway, "FeedbackPage").validate(page)
    assert set(item) == set(gateway.app.openapi()["components"]["schemas"]["FeedbackReply"]["properties"])
    assert item.pop("updated_at")
    assert item == {
        "turn_id": reply["turn_id"],
        "conversation_id": reply["conversation_id"],
        "user_id": "ada",
        "rating": "down",
        "comment": "Which button?",
        "question": "How do I rotate a key?",
        "answer": reply["response"],
        "outcome": "answered",
        "confidence": 0.9,
        "sources": [{"document_id": "docs/keys.md", "title": "Keys", "url": "docs/keys.md"}],
        "agent": None,
        "revision": None,
    }


async def test_pages_lead_to_the_end_and_filters_narrow(client: httpx2.AsyncClient) -> None:
    turns = [(await rated(client, rating))["turn_id"] for rating in ("up", "down", "down")]

    first = (await client.get("/api/v1/feedback", params={"limit": 2})).json()
    rest = (await client.get("/api/v1/feedback", params={"limit": 2, "after": first["after"]})).json()
    down = (await client.get("/api/v1/feedback", params={"rating": "down", "document": "docs/keys.md"})).json()
    later = (await client.get("/api/v1/feedback", params={"since": "2999-01-01T00:00:00Z"})).json()

    assert [item["turn_id"] for item in first["items"] + rest["items"]] == turns[::-1]
    assert rest["after"] is None
    assert [item["turn_id"] for item in down["items"]] == [turns[2], turns[1]]
    assert later["items"] == []


WRONG = {
    "rating": "sideways",
    "since": "2026-11-01T00:00:00",
    "limit": "101",
    "after": "bm90LWEtY3Vyc29y",
    "agent": "a\0",
    "document": "d" * 2001,
    "colour": "red",
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_parameter_is_named(client: httpx2.AsyncClient, name: str) -> None:
    reply = await client.get("/api/v1/feedback", params={name: WRONG[name]})
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid-request")
    assert name in reply.json()["detail"]


async def test_a_cursor_of_the_conversations_is_refused(client: httpx2.AsyncClient) -> None:
    for _ in range(2):
        await rated(client, "up")
    cursor = (await client.get("/api/v1/conversations", params={"limit": 1})).json()["after"]

    assert (await client.get("/api/v1/feedback", params={"after": cursor})).status_code == 400


async def test_the_report_names_the_document_its_share_and_a_disliked_question(
    client: httpx2.AsyncClient, gateway: TestGateway
) -> None:
    await rated(client, "up")
    await rated(client, "up")
    await rated(client, "up")
    disliked = await rated(client, "down", comment="Which button?")

    report = (await client.get("/api/v1/feedback/documents")).json()

    validator(gateway, "DocumentReport").validate(report)
    assert datetime.now(UTC) - datetime.fromisoformat(report["since"]) >= timedelta(days=30)
    assert report["items"] == [
        {
            "document_id": "docs/keys.md",
            "title": "Keys",
            "url": "docs/keys.md",
            "answers": 4,
            "up": 3,
            "down": 1,
            "share_down": 0.25,
            "examples": [
                {
                    "turn_id": disliked["turn_id"],
                    "conversation_id": disliked["conversation_id"],
                    "question": "How do I rotate a key?",
                    "comment": "Which button?",
                }
            ],
        }
    ]


async def test_a_document_that_nobody_rated_has_no_share(client: httpx2.AsyncClient) -> None:
    await client.post("/api/v1/query", json={"query": "How do I rotate a key?", "user_id": "ada"})
    (item,) = (await client.get("/api/v1/feedback/documents")).json()["items"]
    assert (item["answers"], item["share_down"], item["examples"]) == (1, None, [])


async def test_a_rating_is_counted_once_and_again_when_it_changes() -> None:
    agent = f"shop-{uuid4()}"

    async def name_it(parts: dict[str, Any]) -> None:
        parts["agent"] = agent

    async with make_gateway(change_parts=name_it, revision="r1") as gateway:
        assert [counted(agent, "r1", rating) for rating in ("up", "down")] == [0, 0]
        async with gateway.client(**gateway.key.headers) as client:
            turn_id = (await rated(client, "up"))["turn_id"]  # the stand-in's answers name neither agent nor revision
            before = [counted(NOT_KNOWN, NOT_KNOWN, rating) for rating in ("up", "down")]
            await rate(client, turn_id, "up", comment="Thanks!")
            await rate(client, turn_id, "down")
    after = [counted(NOT_KNOWN, NOT_KNOWN, rating) for rating in ("up", "down")]
    assert [now - then for now, then in zip(after, before, strict=True) if now is not None and then is not None] == [
        0,
        1,
    ]


def test_the_answers_revision_is_counted_and_both_ratings_appear_together() -> None:
    agent = f"shop-{uuid4()}"
    counts = RatingCounts(agent, "r2")

    counts.count(agent, "r1", Rating.DOWN)

    found = {(revision, rating): counted(agent, revision, rating) for revision in ("r1", "r2") for rating in Rating}
    assert found == {("r1", "up"): 0, ("r1", "down"): 1, ("r2", "up"): 0, ("r2", "down"): 0}


def test_the_number_of_revisions_with_a_series_of_their_own_is_bounded() -> None:
    agent = f"shop-{uuid4()}"
    counts = RatingCounts(agent, "r0")
    others = counted(OTHER, OTHER, "up") or 0

    for number in range(MAX_ANSWERERS + 5):
        counts.count(agent, f"r{number}", Rating.UP)

    series = {
        sample.labels["revision"]
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == "supportplane_feedback_total" and sample.labels["agent"] == agent
    }
    assert len(series) == MAX_ANSWERERS
    assert counted(OTHER, OTHER, "up") == others + 5


async def test_a_thumb_down_alone_ends_the_kept_answer_to_the_question() -> None:
    ended: list[tuple[str, str | None, str]] = []

    class Disliked:
        async def end(self, tenant: str, agent: str | None, question: str) -> None:
            ended.append((tenant, agent, question))

    async def keeping(parts: dict[str, Any]) -> None:
        parts["disliked"] = Disliked()

    async with make_gateway(change_parts=keeping) as gateway, gateway.client(**gateway.key.headers) as client:
        await rated(client, "up")
        assert ended == []
        await rated(client, "down")
    assert ended == [("acme", None, "How do I rotate a key?")]
