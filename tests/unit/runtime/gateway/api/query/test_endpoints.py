import asyncio
from datetime import timedelta
from uuid import uuid4

import httpx2
import orjson
import pytest

from support.eventually import eventually_async
from support.gateway.scripted_gateway import TestGateway, make_gateway
from supportplane_runtime.domain.conversation import TurnStatus
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.gateway import asking

ASK = {"query": "How do I rotate an API key?", "user_id": "u1"}


def sse_events(text: str) -> list[tuple[str, str | None, dict[str, object]]]:
    """(name, id, data) of each event; comments and retry fields left out."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if "event" in fields:
            events.append((fields["event"], fields.get("id"), orjson.loads(fields["data"])))
    return events


async def test_a_question_is_answered_with_its_sources_and_ids(client: httpx2.AsyncClient) -> None:
    reply = await client.post("/api/v1/query", json=ASK)
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert set(body) == {
        "response",
        "outcome",
        "confidence",
        "sources",
        "ticket_id",
        "conversation_id",
        "turn_id",
        "language",
    }
    assert body["response"] == "Create a new key and revoke the old one [1]."
    assert body["outcome"] == "answered"
    assert body["sources"][0]["quote"] == "Create a new key and revoke the old one."
    assert set(body["sources"][0]) == {
        "marker",
        "title",
        "headings",
        "url",
        "quote",
        "document_id",
        "chunk_id",
        "score",
    }


async def test_the_same_turn_id_asked_again_is_the_same_turn(client: httpx2.AsyncClient, gateway: TestGateway) -> None:
    turn_id = str(uuid4())
    replies = [await client.post("/api/v1/query", json=ASK | {"turn_id": turn_id}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].json() == replies[1].json()
    assert len(gateway.turns.logs) == 1
    assert gateway.app.state.gateway.admission.running == 0


async def test_a_turn_id_with_another_question_is_a_conflict(client: httpx2.AsyncClient) -> None:
    turn_id = str(uuid4())
    await client.post("/api/v1/query", json=ASK | {"turn_id": turn_id})
    reply = await client.post("/api/v1/query", json=ASK | {"turn_id": turn_id, "query": "Something else?"})
    assert (reply.status_code, reply.json()["code"]) == (409, "conflict")


async def test_a_conversation_goes_on_under_its_id_for_its_user_only(client: httpx2.AsyncClient) -> None:
    first = (await client.post("/api/v1/query", json=ASK)).json()
    go_on = ASK | {"conversation_id": first["conversation_id"]}
    assert (await client.post("/api/v1/query", json=go_on)).json()["conversation_id"] == first["conversation_id"]
    foreign = await client.post("/api/v1/query", json=go_on | {"user_id": "someone-else"})
    assert foreign.status_code == 404


async def test_a_turn_that_fails_is_a_problem_with_its_code_and_ids(client: httpx2.AsyncClient) -> None:
    reply = await client.post("/api/v1/query", json=ASK | {"query": "fail please"})
    assert reply.status_code == 503
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["retry-after"] == "2"
    problem = reply.json()
    assert problem["code"] == "model-unavailable"
    turn = (await client.get(f"/api/v1/turns/{problem['turn_id']}")).json()
    assert (turn["status"], turn["failure"]) == ("failed", "model-unavailable")


async def test_a_turn_longer_than_its_timeout_is_a_504_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE_S", 0.0)
    async with make_gateway(turn_timeout=timedelta(seconds=0.05)) as gateway, gateway.client() as client:
        reply = await client.post("/api/v1/query", json=ASK | {"query": "wait"}, headers=gateway.key.headers)
        assert (reply.status_code, reply.json()["code"]) == (504, "turn-timeout")
        turn_id = reply.json()["turn_id"]
        gateway.turns.go.set()
        log = next(iter(gateway.turns.logs.values()))
        await eventually_async(lambda: log.ended)
        turn = (await client.get(f"/api/v1/turns/{turn_id}", headers=gateway.key.headers)).json()
        assert turn["status"] == "finished"


async def test_the_stream_announces_the_turn_and_ends_with_what_query_replies(client: httpx2.AsyncClient) -> None:
    turn_id = str(uuid4())
    streamed = await client.post("/api/v1/query/stream", json=ASK | {"turn_id": turn_id})
    assert streamed.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = sse_events(streamed.text)
    assert [name for name, _, _ in events] == ["progress", "progress", "token", "token", "sources", "final"]
    assert [place for _, place, _ in events] == [f"{turn_id}:{n}" for n in range(6)]
    assert events[0][2]["step"] == "accepted"
    assert events[0][2]["turn_id"] == turn_id
    assert "".join(str(data["text"]) for name, _, data in events if name == "token") == events[-1][2]["response"]
    assert events[-1][2] == (await client.post("/api/v1/query", json=ASK | {"turn_id": turn_id})).json()


async def test_a_failed_turn_streams_a_problem_as_its_last_event(client: httpx2.AsyncClient) -> None:
    streamed = await client.post("/api/v1/query/stream", json=ASK | {"query": "fail"})
    name, _, data = sse_events(streamed.text)[-1]
    assert (name, data["code"], data["status"]) == ("error", "model-unavailable", 503)
    assert "turn_id" in data


async def test_a_stream_goes_on_after_the_event_that_was_seen(client: httpx2.AsyncClient) -> None:
    turn_id = str(uuid4())
    whole = sse_events((await client.post("/api/v1/query/stream", json=ASK | {"turn_id": turn_id})).text)
    by_header = await client.get(f"/api/v1/turns/{turn_id}/stream", headers={"last-event-id": f"{turn_id}:3"})
    by_parameter = await client.get(f"/api/v1/turns/{turn_id}/stream", params={"after": 3})
    assert sse_events(by_header.text) == sse_events(by_parameter.text) == whole[4:]


@pytest.mark.parametrize("course", ["Hello?", "fail"])
async def test_a_browser_that_has_seen_the_end_is_told_to_stop_coming_back(
    client: httpx2.AsyncClient, course: str
) -> None:
    """An EventSource reconnects after every end of a stream, until it gets a 204."""
    turn_id = str(uuid4())
    body = ASK | {"turn_id": turn_id, "query": course}
    *_, (_, last, _) = sse_events((await client.post("/api/v1/query/stream", json=body)).text)
    path = f"/api/v1/turns/{turn_id}/stream"
    for seen in ({"headers": {"last-event-id": last}}, {"params": {"after": 2**31}}):
        reply = await client.get(path, **seen)
        assert (reply.status_code, reply.content) == (204, b"")
    almost = await client.get(path, params={"after": int(str(last).rpartition(":")[2]) - 1})
    assert [place for _, place, _ in sse_events(almost.text)] == [last]


async def test_a_last_event_id_of_another_turn_is_refused(client: httpx2.AsyncClient) -> None:
    turn_id = str(uuid4())
    await client.post("/api/v1/query", json=ASK | {"turn_id": turn_id})
    for wrong in (f"{uuid4()}:1", f"{turn_id}:-1", f"{turn_id}:x", "x", f"{turn_id}:" + "9" * 400, ""):
        reply = await client.get(f"/api/v1/turns/{turn_id}/stream", headers={"last-event-id": wrong})
        assert (reply.status_code, reply.json()["code"]) == (409, "conflict"), wrong


async def test_a_cancelled_turn_ends_for_those_who_wait(client: httpx2.AsyncClient, gateway: TestGateway) -> None:
    turn_id = uuid4()
    waiting = asyncio.create_task(client.post("/api/v1/query", json=ASK | {"query": "wait", "turn_id": str(turn_id)}))
    await eventually_async(lambda: ("acme", turn_id) in gateway.turns.logs)
    cancelled = await client.post(f"/api/v1/turns/{turn_id}/cancel")
    assert cancelled.status_code == 204
    reply = await waiting
    assert (reply.status_code, reply.json()["code"]) == (409, "turn-cancelled")
    turn = await gateway.store.turnbook.turn("acme", turn_id)
    assert turn.status is TurnStatus.CANCELLED


async def test_more_turns_than_there_are_places_are_refused_until_one_ends() -> None:
    async with make_gateway(max_running_turns=2) as gateway, gateway.client(**gateway.key.headers) as client:
        waiting = [asyncio.create_task(client.post("/api/v1/query", json=ASK | {"query": "wait"})) for _ in range(2)]
        await eventually_async(lambda: len(gateway.turns.logs) == 2)
        refused = await client.post("/api/v1/query", json=ASK)
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1
        gateway.turns.go.set()
        assert [reply.status_code for reply in await asyncio.gather(*waiting)] == [200, 200]
        assert (await client.post("/api/v1/query", json=ASK)).status_code == 200


async def test_a_refused_question_takes_no_place(client: httpx2.AsyncClient, gateway: TestGateway) -> None:
    reply = await client.post("/api/v1/query", json=ASK | {"conversation_id": str(uuid4())})
    assert reply.status_code == 404
    assert gateway.app.state.gateway.admission.running == 0


async def test_a_secret_key_must_name_the_user(client: httpx2.AsyncClient) -> None:
    reply = await client.post("/api/v1/query", json={"query": "Hello?"})
    assert reply.status_code == 400
    assert reply.json()["errors"] == [{"field": "user_id", "message": "Field required with a secret key"}]


async def test_a_session_asks_as_its_own_user_and_as_no_one_else(gateway: TestGateway) -> None:
    cookie = await gateway.session_cookie(user_id="page-user")
    async with gateway.client(**cookie) as client:
        asked = await client.post("/api/v1/query", json={"query": "Hello?"})
        assert asked.status_code == 200, asked.text
        turn = (await client.get(f"/api/v1/turns/{asked.json()['turn_id']}")).json()
        assert turn["user_id"] == "page-user"
        assert (await client.post("/api/v1/query", json=ASK)).status_code == 403


async def test_a_key_without_invoke_may_not_ask(gateway: TestGateway) -> None:
    reader = await gateway.make_key(scopes=frozenset({Scope.READ}))
    async with gateway.client(**reader.headers) as client:
        reply = await client.post("/api/v1/query", json=ASK)
    assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")
    assert "invoke" in reply.json()["detail"]


async def test_while_the_process_drains_new_questions_are_refused(gateway: TestGateway) -> None:
    gateway.app.state.gateway.admission.drain()
    async with gateway.client(**gateway.key.headers) as client:
        reply = await client.post("/api/v1/query", json=ASK)
        assert (reply.status_code, reply.json()["code"]) == (503, "draining")
        assert "retry-after" in reply.headers
        ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["ready"] is False


async def test_waiting_requests_are_told_the_turn_when_streams_close(gateway: TestGateway) -> None:
    async with gateway.client(**gateway.key.headers) as client:
        waiting = asyncio.create_task(client.post("/api/v1/query", json=ASK | {"query": "wait"}))
        streaming = asyncio.create_task(client.post("/api/v1/query/stream", json=ASK | {"query": "wait"}))
        await eventually_async(lambda: gateway.turns.streams_open == 2)
        gateway.app.state.gateway.admission.drain()
        gateway.app.state.gateway.admission.close_streams()
        reply = await waiting
        assert (reply.status_code, reply.json()["code"]) == (503, "draining")
        assert reply.json()["turn_id"] in {str(turn_id) for _, turn_id in gateway.turns.logs}
        name, place, data = sse_events((await streaming).text)[-1]
        assert (name, place, data["step"], data["after"]) == ("progress", None, "reconnect", 1)
