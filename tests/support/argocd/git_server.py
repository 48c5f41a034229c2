"""A git repository that Argo CD reads over smart HTTP: a bare one behind git's own http-backend, and a work tree.

What a test does in the work tree is what people do: write files, commit, push, merge. Argo CD refuses the dumb protocol
(a folder of static files), so each request runs `git http-backend` as a web server would.
"""

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NAME = "fleet"
BRANCH = "main"


class GitServer:
    """The server. url: what an Application names, with `.git` at its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Team",
            "GIT_AUTHOR_EMAIL": "team@example.com",
            "GIT_COMMITTER_NAME": "Team",
            "GIT_COMMITTER_EMAIL": "team@example.com",
        }
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/{NAME}.git"

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """What git printed. A failure ends the test with what git said."""
        command = ["git", *arguments]
        done = subprocess.run(
            command, cwd=cwd or self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout.strip()

    def create(self) -> "WorkTree":
        """The repository with an empty first commit, and a work tree of it."""
        self.git("init", "--quiet", "--bare", f"--initial-branch={BRANCH}", f"{NAME}.git")
        self.git("config", "http.receivepack", "true", cwd=self.folder / f"{NAME}.git")
        self.git("clone", "--quiet", self.url, "work")
        tree = WorkTree(self, self.folder / "work")
        self.git("commit", "--quiet", "--allow-empty", "-m", "Begin", cwd=tree.folder)
        self.git("push", "--quiet", "origin", f"HEAD:{BRANCH}", cwd=tree.folder)
        return tree

    def _answer(self, request: BaseHTTPRequestHandler) -> tuple[int, list[tuple[str, str]], bytes]:
        """What http-backend, which speaks CGI, makes of a request."""
        address = urlsplit(request.path)
        headers = request.headers
        environment = {
            **self.environment,
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": request.command,
            "PATH_INFO": address.path,
            "QUERY_STRING": address.query,
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=_body(request), env=environment, capture_output=True, check=False
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().splitlines() if ": " in line]
        status = next((int(value.split()[0]) for name, value in lines if name == "Status"), 200)
        return status, [(name, value) for name, value in lines if name != "Status"], body

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        git = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, headers, body = git._answer(self)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                """Tests have no access log."""

        return Handler


class WorkTree:
    """A clone in which a test works. Each commit goes to the server at once."""

    def __init__(self, server: GitServer, folder: Path) -> None:
        self.server = server
        self.folder = folder

    def push(self, message: str, files: Mapping[str, str | None], branch: str = BRANCH) -> str:
        """The commit that the server has now. files: path -> text, None for a file or folder to take away."""
        self._switch(branch)
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                self._git("rm", "-r", "--quiet", name)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        self._git("add", "--all")
        self._git("commit", "--quiet", "-m", message)
        return self._send(branch)

    def branch(self, name: str, source: str = BRANCH) -> None:
        """A new branch where another one is."""
        self._switch(source)
        self._git("branch", "--force", name)
        self._send(name)

    def merge(self, source: str, into: str) -> str:
        """The commit that the branch is at afterwards."""
        self._switch(into)
        self._git("merge", "--quiet", "--no-ff", "-m", f"Promote {source} to {into}", source)
        return self._send(into)

    def _switch(self, branch: str) -> None:
        self._git("switch", "--quiet", branch)

    def _send(self, branch: str) -> str:
        self._git("push", "--quiet", "origin", branch)
        return self._git("rev-parse", branch)

    def _git(self, *arguments: str) -> str:
        return self.server.git(*arguments, cwd=self.folder)


def _body(request: BaseHTTPRequestHandler) -> bytes:
    """Of known length, or in chunks, which is how git sends what is long."""
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length", 0)))
    parts = []
    while size := int(request.rfile.readline(), 16):
        parts.append(request.rfile.read(size))
        request.rfile.readline()
    request.rfile.readline()
    return b"".join(parts)


@contextmanager
def running_git_server(folder: Path) -> Iterator[GitServer]:
    made = GitServer(folder)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()
