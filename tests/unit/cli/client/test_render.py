import json
from typing import Any

import pytest

from supportplane_cli.client.api import AgentEvent
from supportplane_cli.client.render import epilogue, make_renderer

REPLY: dict[str, Any] = {
    "response": "Create a new key [1].",
    "outcome": "answered",
    "confidence": 0.87,
    "sources": [{"marker": 1, "title": "Manage API keys", "url": "keys.md#rotate"}],
    "ticket_id": None,
}


def test_the_epilogue_names_sources_and_confidence() -> None:
    assert epilogue(REPLY) == ["", "[1] Manage API keys  keys.md#rotate", "confidence 87%"]


def test_a_handoff_names_its_ticket() -> None:
    reply = {**REPLY, "sources": [], "outcome": "handed_off", "ticket_id": "t-1", "confidence": 0.1}
    assert epilogue(reply)[-1] == "confidence 10%  A person takes over; the ticket is t-1."


def test_a_pipe_gets_the_answer_once_and_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    renderer = make_renderer(as_json=False)
    for event in (AgentEvent("progress", {"step": "retrieve"}), AgentEvent("token", {"text": "Create"})):
        renderer.show(event)
    renderer.show(AgentEvent("final", REPLY))
    assert capsys.readouterr().out.splitlines()[0] == "Create a new key [1]."


def test_machines_get_the_reply_as_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    make_renderer(as_json=True).show(AgentEvent("final", REPLY))
    assert json.loads(capsys.readouterr().out) == REPLY
