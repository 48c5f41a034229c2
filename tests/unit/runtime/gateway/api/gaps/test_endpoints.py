"""The report of gaps over HTTP: by subject, counted, as the API documents it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import numpy as np
import pytest
from jsonschema import Draft202012Validator

from support.gateway.scripted_gateway import TestGateway
from support.runtime.store_samples import ANSWER, question
from supportplane_runtime.domain.answer import Answer, Outcome
from supportplane_runtime.domain.conversation import Feedback, Rating, Turn
from supportplane_runtime.domain.ending import Effect, Ending, NoteGap
from supportplane_runtime.domain.gaps import GapReason, NearDocument
from supportplane_runtime.gateway.api.gaps import endpoints
from supportplane_runtime.store.interfaces.gaps import Meaning, PlacedQuestion

KEYS = NearDocument("keys.md", "Keys", "keys.md#rotate")
BACKUPS = NearDocument("backups.md", "Backups", "backups.md")
DECLINED = Answer("Not in the documents.", Outcome.DECLINED, 0.2)


async def asked(
    gateway: TestGateway,
    text: str,
    effects: Sequence[Effect] = (),
    *,
    user_id: str = "ada",
    towards: float | None = None,
) -> Turn:
    """towards: degrees, of what the question means."""
    book = gateway.store.turnbook
    request = question("acme", question=text, user_id=user_id)
    turn = (await book.accept(request, lease_owner="w", history_limit=0)).turn
    await book.finish(turn, Ending(DECLINED if effects else ANSWER, tuple(effects)))
    if towards is not None:
        turned = np.radians(towards)
        meaning = Meaning("one", 0.0, np.array([np.cos(turned), np.sin(turned)], "<f4").tobytes())
        await gateway.store.gaps.place("acme", [PlacedQuestion(turn.turn_id, text, meaning)])
    return turn


async def report(client: httpx2.AsyncClient, **parameters: str) -> dict[str, Any]:
    reply = await client.get("/api/v1/gaps", params=parameters)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def gap(text: str, reason: GapReason, *documents: NearDocument) -> tuple[NoteGap]:
    return (NoteGap(reason, text, documents),)


async def test_subjects_are_counted_those_of_most_customers_first(
    client: httpx2.AsyncClient, gateway: TestGateway
) -> None:
    for _ in range(3):
        await asked(gateway, "Is there a yacht?", gap("Is there a yacht?", GapReason.OUT_OF_SCOPE), towards=180)
    await asked(gateway, "Rotate?", gap("Rotate?", GapReason.TICKET, KEYS, BACKUPS), towards=0)
    await asked(gateway, "Renew?", gap("Renew?", GapReason.DECLINED, KEYS), user_id="bob", towards=10)
    liked = await asked(gateway, "Replace?", user_id="eve", towards=20)
    await gateway.store.feedback.save(Feedback("acme", liked.turn_id, "eve", Rating.DOWN, "No."), any_user=False)

    found = await report(client)

    document = gateway.app.openapi()
    schema = document["components"]["schemas"]["GapReport"] | {"components": document["components"]}
    Draft202012Validator(schema).validate(found)
    assert datetime.now(UTC) - datetime.fromisoformat(found["since"]) >= timedelta(days=30)
    assert {name: found[name] for name in ("questions", "has_more", "ungrouped", "subjects")} == {
        "questions": 6,
        "has_more": False,
        "ungrouped": 0,
        "subjects": 2,
    }
    first, second = found["items"]
    assert [each["question"] for each in first["examples"]] == ["Renew?", "Replace?", "Rotate?"]
    assert first["examples"][1] == {
        "turn_id": str(liked.turn_id),
        "conversation_id": str(liked.conversation_id),
        "question": "Replace?",
        "reason": None,
        "disliked": True,
        "comment": "No.",
    }
    counts = ("questions", "customers", "tickets", "declined", "out_of_scope", "unsure", "disliked")
    assert [first[name] for name in counts] == [3, 3, 1, 1, 0, 0, 1]
    assert [second[name] for name in counts] == [3, 1, 0, 0, 3, 0, 0]
    assert (first["subject"], second["subject"]) == ("Renew?", "Is there a yacht?")
    assert [each["document_id"] for each in first["documents"]] == ["keys.md", "backups.md"]
    assert len(second["examples"]) == 1


async def test_what_is_not_embedded_yet_is_told_and_equal_questions_are_together_all_the_same(
    client: httpx2.AsyncClient, gateway: TestGateway
) -> None:
    for text in ("Rotate?", "rotate", "Renew?"):
        await asked(gateway, text, gap(text, GapReason.UNSURE))

    found = await report(client)

    assert (found["ungrouped"], [item["questions"] for item in found["items"]]) == (3, [2, 1])


async def test_a_limit_cuts_the_subjects_and_says_how_many_there_are(
    client: httpx2.AsyncClient, gateway: TestGateway
) -> None:
    for text in ("Rotate?", "Renew?", "Sail?"):
        await asked(gateway, text, gap(text, GapReason.UNSURE))

    found = await report(client, limit="2")

    assert (found["subjects"], len(found["items"])) == (3, 2)


async def test_a_long_time_is_told_to_be_too_long(
    client: httpx2.AsyncClient, gateway: TestGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST_QUESTIONS", 2)
    for text in ("Rotate?", "Renew?", "Sail?"):
        await asked(gateway, text, gap(text, GapReason.UNSURE))

    found = await report(client)

    assert (found["questions"], found["has_more"]) == (2, True)
    assert {item["subject"] for item in found["items"]} == {"Renew?", "Sail?"}


async def test_since_and_agent_narrow(client: httpx2.AsyncClient, gateway: TestGateway) -> None:
    await asked(gateway, "Rotate?", gap("Rotate?", GapReason.UNSURE))

    assert (await report(client, since="2999-01-01T00:00:00Z"))["items"] == []
    assert len((await report(client, agent="shop"))["items"]) == 1  # of no agent: any agent's


WRONG = {"since": "2026-11-01", "limit": "101", "agent": "a\0", "colour": "red"}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_parameter_is_named(client: httpx2.AsyncClient, name: str) -> None:
    reply = await client.get("/api/v1/gaps", params={name: WRONG[name]})
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid-request")
    assert name in reply.json()["detail"]
