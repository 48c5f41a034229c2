"""Files to documents in a process that can be ended: started once, used for one file after the other; ADR 0018.

The limits and the protocol are those of reader_worker.py. A file that breaks them is named, and the next one gets a new
process. Blocking: called in a thread.
"""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Final, Self

import orjson

from supportplane_runtime.domain.knowledge import Chunk, Document
from supportplane_runtime.errors import KnowledgeUnavailable
from supportplane_runtime.rag.documents.links import Site
from supportplane_runtime.rag.documents.reader_worker import Limits, receive, send
from supportplane_runtime.rag.documents.text import Unreadable

# 2 MB of prose take 0.5 s and 60 MB, 2 MB of HTML 1.3 s and 90 MB (tests/bench/test_reading.py).
LIMITS: Final = Limits(cpu_s=1.8, memory_bytes=160_000_000)
# Only for a process that stands still: on a machine that gives it a tenth of a processor, 1.8 s take 18.
DEADLINE_S: Final = 30.0
WORKER: Final = "supportplane_runtime.rag.documents.reader_worker"


@dataclass(frozen=True, slots=True)
class Request:
    """name: of the file below its source. today: an ISO date. url: unless the file is published on a site."""

    name: str
    document_id: str
    url: str
    language: str
    today: str
    site: Site | None = None


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """unclosed_line: where a comment begins that hides the rest of the file because it has no end."""

    document: Document
    chunks: tuple[Chunk, ...]
    unclosed_line: int | None


class ReaderProcess:
    """A context; the process starts with the first file and ends with the context."""

    def __init__(self, limits: Limits = LIMITS, *, deadline_s: float = DEADLINE_S, worker: str = WORKER) -> None:
        self._limits = limits
        self._deadline_s = deadline_s
        self._worker = worker
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def read(self, request: Request, content: bytes) -> ReadDocument:
        """Raises Unreadable when this is no document, or too much of one; KnowledgeUnavailable without a process."""
        reply = self._ask(orjson.dumps(asdict(request)), content)
        if reply.pop("retires", False):
            self._end()
        if "unreadable" in reply:
            raise Unreadable(reply["unreadable"])
        return _read_document(request, reply)

    @property
    def process_id(self) -> int | None:
        """None while no process runs."""
        return self._process.pid if self._process is not None else None

    def _ask(self, request: bytes, content: bytes) -> dict[str, Any]:
        connection = self._connection or self._start()
        try:
            with _Deadline(connection, self._deadline_s):
                send(connection, request)
                send(connection, content)
                reply = receive(connection)
        except TimeoutError:
            self._end()
            raise Unreadable(f"takes longer than {self._deadline_s:.0f} seconds to read; split it") from None
        except OSError:
            reply = None
        if reply is None:
            raise Unreadable(self._why_it_ended())
        found: dict[str, Any] = orjson.loads(reply)
        return found

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-s", "-P", "-m", self._worker, str(theirs.fileno())]
        command += [str(self._limits.cpu_s), str(self._limits.memory_bytes)]
        with theirs:
            # Of the environment only the way to the modules is handed on: a document needs no password.
            self._process = subprocess.Popen(  # noqa: S603 -- this interpreter with a module of ours
                command,
                env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        self._connection = ours
        try:
            with _Deadline(ours, self._deadline_s):
                ready = receive(ours)
        except OSError:
            ready = None
        if ready is None:
            self._end()
            raise KnowledgeUnavailable("the process that reads documents does not start; its log says why")
        return ours

    def _why_it_ended(self) -> str:
        assert self._process is not None  # noqa: S101 -- a reply was waited for
        code = self._process.wait(timeout=self._deadline_s)
        self._end()
        if code == -signal.SIGPROF:
            return f"takes more than the {self._limits.cpu_s:g} seconds of computing that a file may take; split it"
        if code == -signal.SIGKILL:
            return "was not read: the system ended its reader, as it does when memory runs out"
        return f"breaks its reader (exit code {code}); leave it out with exclude"

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class _Deadline:
    """Each step of sending and receiving inside takes so long at most; raises TimeoutError."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds

    def __enter__(self) -> None:
        self._connection.settimeout(self._seconds)

    def __exit__(self, *_: object) -> None:
        self._connection.settimeout(None)


def _read_document(request: Request, reply: dict[str, Any]) -> ReadDocument:
    title, context = reply["title"], tuple(reply["context"])
    document = Document(request.document_id, title, reply["text"], reply["url"], request.language, context)
    chunks = tuple(
        Chunk(chunk_id, request.document_id, title, tuple(path), text, url, position, request.language, context)
        for position, (chunk_id, path, text, url) in enumerate(reply["chunks"])
    )
    return ReadDocument(document, chunks, reply["unclosed_line"])
