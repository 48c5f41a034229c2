"""A model hub on loopback that answers as the real one: metadata by HEAD, a redirect to storage, ranges, cuts."""

import hashlib
import http.server
import threading
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

COMMIT = "a" * 40


@dataclass
class HubStandIn:
    """One file at owner/repo, revision main. cut_after: bytes of each transfer before the connection is cut."""

    path: str
    content: bytes
    sha256: str = ""
    cut_after: int | None = None
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    tokens: dict[str, str | None] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self.sha256 = self.sha256 or hashlib.sha256(self.content).hexdigest()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    """GET and HEAD /owner/repo/resolve/main/PATH point to /storage/HASH, with the hub's headers."""

    protocol_version = "HTTP/1.1"

    def __init__(self, hub: HubStandIn, *arguments: object) -> None:
        self._hub = hub
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_HEAD(self) -> None:
        self._note()
        if urlsplit(self.path).path != f"/owner/repo/resolve/main/{self._hub.path}":
            self._answer(404, {"X-Error-Code": "EntryNotFound"})
            return
        port = self.headers["Host"].rpartition(":")[2]
        headers = {
            "Location": f"http://localhost:{port}/storage/{self._hub.sha256}",  # another host, as in reality
            "X-Repo-Commit": COMMIT,
            "X-Linked-Etag": f'"{self._hub.sha256}"',
            "X-Linked-Size": str(len(self._hub.content)),
        }
        self._answer(302, headers)

    def do_GET(self) -> None:
        self._note()
        content = self._hub.content
        begin = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        rest = memoryview(content)[begin:]
        partly = {"Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"} if begin else {}
        self._answer(206 if begin else 200, {**partly, "Content-Length": str(len(rest))})
        if self._hub.cut_after is not None:
            rest = rest[: self._hub.cut_after]
            self.close_connection = True
        self.wfile.write(rest)

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _note(self) -> None:
        self._hub.tokens[self.command] = self.headers.get("Authorization")
        self._hub.requests.append((self.command, urlsplit(self.path).path, self.headers.get("Range")))

    def log_message(self, *_: object) -> None:
        """Nothing: the base class writes a line a request to standard error."""
