"""Downloads from a stand-in hub on loopback that answers as the real one: metadata by HEAD, a redirect, ranges."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from supportplane_cli.errors import CommandFailed, PartFailed
from supportplane_cli.model_download import fetch
from supportplane_cli.supervisor.plan import HubFile

pytestmark = pytest.mark.slow

CONTENT = bytes(range(256)) * 96_000  # 24 MB: huggingface_hub keeps what has arrived in chunks of 10 MB
WANTED = HubFile("owner/repo", "small/q4.gguf", "main")
COMMIT = "a" * 40


class Hub(http.server.BaseHTTPRequestHandler):
    """GET and HEAD /owner/repo/resolve/main/FILE point to /storage/HASH, with the hub's headers."""

    sha256: ClassVar[str]
    cut_after: ClassVar[int | None]
    requests: ClassVar[list[tuple[str, str, str | None]]]
    tokens: ClassVar[dict[str, str | None]] = {}
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._note()
        if not self.path.startswith("/owner/repo/resolve/main/small/q4.gguf"):
            self._refuse()
            return
        self.send_response(302)
        port = self.headers["Host"].rpartition(":")[2]  # the storage is another host, as in reality
        self.send_header("Location", f"http://localhost:{port}/storage/{self.sha256}")
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("X-Linked-Etag", f'"{self.sha256}"')
        self.send_header("X-Linked-Size", str(len(CONTENT)))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self._note()
        begin = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        rest = CONTENT[begin:]
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if Hub.cut_after is None:
            self.wfile.write(rest)
            return
        self.wfile.write(rest[: Hub.cut_after])
        self.close_connection = True

    def _refuse(self) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _note(self) -> None:
        path = urlsplit(self.path).path
        Hub.tokens[self.command] = self.headers.get("Authorization")
        Hub.requests.append((self.command, path, self.headers.get("Range")))

    def log_message(self, *_: object) -> None:
        """Nothing: the base class writes a line a request to standard error."""


@pytest.fixture
def hub() -> Iterator[str]:
    Hub.sha256, Hub.cut_after, Hub.requests = hashlib.sha256(CONTENT).hexdigest(), None, []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def ignore(done: int, total: int) -> None:
    """Progress that nobody looks at."""


def test_a_file_is_fetched_with_progress_and_used_again_without_asking(hub: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = fetch(WANTED, tmp_path, lambda done, total: seen.append((done, total)), endpoint=hub)
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    asked = len(Hub.requests)
    assert fetch(WANTED, tmp_path, ignore, endpoint=hub) == path
    assert len(Hub.requests) == asked


def test_the_next_run_goes_on_where_the_last_one_was_killed(hub: str, tmp_path: Path) -> None:
    partial = tmp_path / "owner--repo" / "main" / "small" / f"q4.gguf.{Hub.sha256}.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(CONTENT[:4_000_000])
    path = fetch(WANTED, tmp_path, ignore, endpoint=hub)
    assert path.read_bytes() == CONTENT
    assert [wanted for method, _, wanted in Hub.requests if method == "GET"] == ["bytes=4000000-"]
    assert not partial.exists()


def test_a_connection_that_is_cut_is_resumed_within_the_run(hub: str, tmp_path: Path) -> None:
    Hub.cut_after = 15_000_000
    path = fetch(WANTED, tmp_path, ignore, endpoint=hub)
    assert path.read_bytes() == CONTENT
    assert len([method for method, _, _ in Hub.requests if method == "GET"]) == 2


def test_a_wrong_checksum_is_refused_and_thrown_away(hub: str, tmp_path: Path) -> None:
    Hub.sha256 = "0" * 64
    with pytest.raises(PartFailed, match="wrong checksum"):
        fetch(WANTED, tmp_path, ignore, endpoint=hub)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_the_hub_does_not_have_is_a_sentence(hub: str, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"The hub has no owner/repo/other\.gguf at main"):
        fetch(HubFile("owner/repo", "other.gguf"), tmp_path, ignore, endpoint=hub)


def test_the_user_s_token_goes_to_the_hub_and_not_to_its_storage(
    hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch(WANTED, tmp_path, ignore, endpoint=hub)
    assert Hub.tokens == {"HEAD": "Bearer hf_secret", "GET": None}


def test_no_network_is_a_sentence_that_says_what_stays(tmp_path: Path, free_port: int) -> None:
    with pytest.raises(CommandFailed, match="cannot be reached") as caught:
        fetch(WANTED, tmp_path, ignore, endpoint=f"http://127.0.0.1:{free_port}")
    assert "goes on where it stopped" in str(caught.value.hint)
