"""The command against an API server of a few answers over HTTP; the real one is asked in tests/integration."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typer.testing import CliRunner

from support.operator.samples import raw, snapshot
from supportplane_cli.errors import NothingRunning, WrongUsage
from supportplane_cli.registry import cli

GROUP = "/apis/supportplane.io/v1alpha1/namespaces/acme"


def agent(status: str) -> dict[str, Any]:
    ready = {"type": "Ready", "status": status, "reason": "Why", "message": "words"}
    return {**raw(snapshot().agent), "status": {"observedGeneration": 3, "conditions": [ready]}}


ANSWERS: dict[str, Any] = {
    f"{GROUP}/supportagents/good": agent("True"),
    f"{GROUP}/supportagents/bad": agent("False"),
    "/api/v1/namespaces/acme/events": {"apiVersion": "v1", "kind": "EventList", "metadata": {}, "items": []},
}
MISSING = {
    "apiVersion": "v1",
    "kind": "Status",
    "status": "Failure",
    "reason": "NotFound",
    "code": 404,
    "message": "no",
}


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = ANSWERS.get(self.path.partition("?")[0])
        body = json.dumps(found or MISSING).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the signature is the library's
        """Say nothing."""


def kubeconfig(folder: Path, port: int) -> str:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "acme"}}],
        "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "test", "user": {"token": "none"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return str(path)


@pytest.fixture
def config(tmp_path: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield kubeconfig(tmp_path, server.server_port)
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("name", "code", "mark"), [("good", 0, "[ok  ]"), ("bad", 1, "[FAIL]")])
def test_the_exit_code_says_whether_the_agent_is_ready(config: str, name: str, code: int, mark: str) -> None:
    shown = CliRunner().invoke(cli, ["why", name, "--kubeconfig", config])
    assert shown.exit_code == code
    assert shown.stdout.startswith(f"{mark} SupportAgent acme/helpdesk: ")


def test_json_is_the_tree(config: str) -> None:
    shown = CliRunner().invoke(cli, ["why", "bad", "-n", "acme", "--kubeconfig", config, "--json"])
    assert json.loads(shown.stdout)["ok"] is False


def test_an_agent_that_does_not_exist_has_an_exit_code_of_its_own(config: str) -> None:
    shown = CliRunner().invoke(cli, ["why", "nobody", "--kubeconfig", config])
    assert isinstance(shown.exception, WrongUsage)
    assert shown.exception.exit_code == 2
    assert "nobody" in shown.exception.message


def test_a_cluster_that_does_not_answer_is_a_sentence(tmp_path: Path, free_port: int) -> None:
    shown = CliRunner().invoke(cli, ["why", "good", "--kubeconfig", kubeconfig(tmp_path, free_port)])
    assert isinstance(shown.exception, NothingRunning)


def test_a_missing_kubeconfig_is_a_sentence(tmp_path: Path) -> None:
    shown = CliRunner().invoke(cli, ["why", "good", "--kubeconfig", str(tmp_path / "nothing")])
    assert isinstance(shown.exception, NothingRunning)
