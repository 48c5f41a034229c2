"""No text of a document, a server, a key, a file or a log acts on the terminal, whichever command shows it."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from supportplane_cli.commands.keys import cell, describe
from supportplane_cli.commands.why import _coloured
from supportplane_cli.console import table, terminal, visible
from supportplane_cli.lock import DataLock
from supportplane_cli.main import app
from supportplane_cli.paths import DataDir
from supportplane_cli.state import PartState, State, save_state
from supportplane_cli.supervisor.report import Clock, LineReporter, TerminalReporter
from supportplane_operator.why import Node
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.store.interfaces.keys import ApiKey, KeyKind

HOSTILE = "[/x]\x1b]52;c;cHduZWQ=\x07\x9b31m\u202e\r"
SEEN = "[/x]\\u001b]52;c;cHduZWQ=\\u0007\\u009b31m\\u202e"
REPLY = {
    "response": HOSTILE,
    "outcome": "handed_off",
    "confidence": 0.5,
    "sources": [{"marker": 1, "title": HOSTILE, "url": HOSTILE}],
    "ticket_id": HOSTILE,
    "conversation_id": "c",
    "turn_id": "t",
}
HEALTH = {"status": HOSTILE, "parts": [{"name": HOSTILE, "status": "failed", "detail": HOSTILE, "required": True}]}


class HostileServer(BaseHTTPRequestHandler):
    """An agent whose every word attacks the terminal; it refuses the question `no`."""

    def do_GET(self) -> None:
        self._send(200, json.dumps(HEALTH), "application/json")

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["query"] == "no":
            problem = {"title": HOSTILE, "detail": HOSTILE, "errors": [{"field": HOSTILE, "message": HOSTILE}]}
            self._send(400, json.dumps(problem), "application/problem+json")
            return
        events = {"progress": {"step": HOSTILE, "detail": HOSTILE}, "token": {"text": HOSTILE}, "final": REPLY}
        stream = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events.items())
        self._send(200, stream, "text/event-stream")

    def _send(self, status: int, body: str, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """The test's output is the command's."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), HostileServer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def running(folder: Path, url: str) -> Iterator[DataDir]:
    """A data directory as of an agent that this process runs, with hostile facts."""
    data = DataDir(folder)
    folder.mkdir()
    with DataLock(data, purpose="up"):
        part = PartState(HOSTILE, os.getpid(), 0.0, HOSTILE, HOSTILE)
        save_state(data, State(os.getpid(), HOSTILE, url, HOSTILE, "acme", 0.0, "0", {}, (part,)))
        yield data


def shown_by(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """What a command says, on both streams."""
    monkeypatch.setattr(sys, "argv", ["supportplane", *arguments])
    with pytest.raises(SystemExit):
        app()
    shown = capsys.readouterr()
    return shown.out + shown.err


def is_plain(text: str) -> bool:
    return SEEN in text and visible(text) == text


@pytest.mark.parametrize("question", ["yes", "no"])
def test_ask_shows_an_answer_and_a_refusal(
    question: str, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key"
    key.write_text("sk_test")
    shown = shown_by(capsys, monkeypatch, "ask", question, "--url", url, "--key-file", str(key))
    assert is_plain(shown)
    as_json = shown_by(capsys, monkeypatch, "ask", question, "--url", url, "--key-file", str(key), "--json")
    assert visible(as_json) == as_json
    assert repr(HOSTILE)[1:-1] in str(json.loads(as_json))


def test_ask_and_chat_on_a_real_terminal(url: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk_test")
    for command in (["ask", "yes"], ["chat"]):
        shown = on_a_terminal([*command, "--url", url, "--key-file", str(tmp_path / "key")], typed="yes\nno\n/quit\n")
        assert "]52;c;cHduZWQ=" in shown
        for attack in ("\x1b]52", "\x07", "\x9b", "\u202e"):
            assert attack not in shown


def on_a_terminal(arguments: list[str], *, typed: str) -> str:
    ours, theirs = pty.openpty()
    program = [sys.executable, "-m", "supportplane_cli.main", *arguments]
    with subprocess.Popen(
        program, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    ) as it:
        os.close(theirs)
        os.write(ours, typed.encode())
        said = b""
        while chunk := read_terminal(ours):
            said += chunk
        assert it.wait(60) == 0
    os.close(ours)
    return said.decode()


def read_terminal(descriptor: int) -> bytes:
    """Empty at the end, which Linux tells as an error."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def test_status_and_ingest_show_facts_of_the_agent(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path / "data", url) as data:
        assert is_plain(shown_by(capsys, monkeypatch, "status", "--data-dir", str(data.root)))
        assert is_plain(shown_by(capsys, monkeypatch, "doctor", "--data-dir", str(data.root)))
        assert is_plain(shown_by(capsys, monkeypatch, "ingest", "--dry-run", "--data-dir", str(data.root)))


def test_logs_show_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    data = DataDir(tmp_path)
    data.logs.mkdir()
    data.log("gateway").write_text(f"{HOSTILE}\n")
    assert is_plain(shown_by(capsys, monkeypatch, "logs", "--data-dir", str(tmp_path)))


def test_validate_shows_fields_and_the_name_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tmp_path / f"{HOSTILE.replace('/', '')}.yaml"
    wrong.write_text("apiVersion: supportplane.io/v1alpha1\nkind: SupportAgent\nmetadata: {name: a}\nspec: {x: 1}\n")
    shown = shown_by(capsys, monkeypatch, "validate", "-f", str(wrong))
    assert "\\u001b]52" in shown
    assert visible(shown) == shown


def test_a_list_of_keys_shows_names_that_are_from_before_names_were_checked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = ApiKey(
        key_id="id",
        tenant="acme",
        name=HOSTILE,
        kind=KeyKind.SECRET,
        scopes=frozenset({Scope.INVOKE}),
        origins=(HOSTILE,),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        last_used_at=None,
        revoked_at=None,
    )
    facts = describe(key)
    table(("name", "origins"), [(cell(facts["name"]), cell(facts["origins"]))])
    assert is_plain(capsys.readouterr().out)


def test_progress_and_what_was_left_out_of_the_documents(capsys: pytest.CaptureFixture[str]) -> None:
    for reporter in (LineReporter(Clock()), TerminalReporter(Clock())):
        with reporter:
            reporter.started(HOSTILE)
            reporter.progress(HOSTILE, HOSTILE, 1, 2)
            reporter.say(HOSTILE)
            reporter.finished(HOSTILE, HOSTILE)
        assert is_plain(capsys.readouterr().out)


def test_the_tree_of_a_cluster_s_words(capsys: pytest.CaptureFixture[str]) -> None:
    terminal().print(_coloured(Node(HOSTILE, None, HOSTILE, (Node(HOSTILE, ok=False, detail=HOSTILE),))))
    assert is_plain(capsys.readouterr().out)


@pytest.mark.parametrize("name", [f"evil{HOSTILE}", "two\nlines", "half \udcff"])
def test_a_key_is_not_made_under_a_name_with_control_characters(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["supportplane", "keys", "create", name])
    with pytest.raises(SystemExit) as caught:
        app()
    assert caught.value.code == 2
    shown = capsys.readouterr().err
    assert "The name of a key may not hold control characters: character" in shown
    assert visible(shown) == shown
