"""The process in which files are read and cut, one after the other: bytes in, a document with its passages out.

Started by reader_process.py, which ends it when a file takes too long. It opens no file and knows no secret. Before a
file it sets its own limits, so that the kernel ends it in the middle of any parser: an interval timer of processor
time, because a loaded machine is no fault of the file, and its address space. Frames are a length and that many bytes;
a request is two, its JSON and the file's bytes, and a reply is one.
"""

import gc
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import orjson

from supportplane_runtime.domain.knowledge import Document
from supportplane_runtime.rag.documents.blocks import parsed
from supportplane_runtime.rag.documents.chunking import chunk_document
from supportplane_runtime.rag.documents.context import context
from supportplane_runtime.rag.documents.links import Site, has_anchors, page_url
from supportplane_runtime.rag.documents.readers import read
from supportplane_runtime.rag.documents.text import Unreadable

# A process whose heap has grown so much is replaced, because it seldom shrinks again.
RETIRES_ABOVE_BYTES: Final = 48 * 1024 * 1024
_LENGTH: Final = struct.Struct("!Q")
_STATM: Final = Path("/proc/self/statm")

Work = Callable[[dict[str, Any], bytes], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Limits:
    """For one file. memory_bytes: beyond what the process takes when it is idle, which is 25 MB."""

    cpu_s: float
    memory_bytes: int


def send(connection: socket.socket, frame: bytes) -> None:
    connection.sendall(_LENGTH.pack(len(frame)) + frame)


def receive(connection: socket.socket) -> bytes | None:
    """None when the other side has ended."""
    head = _exactly(connection, _LENGTH.size)
    return None if head is None else _exactly(connection, _LENGTH.unpack(head)[0])


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    frame = bytearray()
    while len(frame) < size:
        part = connection.recv(min(size - len(frame), 1 << 20))
        if not part:
            return None
        frame += part
    return bytes(frame)


def document_and_chunks(request: dict[str, Any], content: bytes) -> dict[str, Any]:
    """Raises Unreadable."""
    found = read(content, request["name"], date.fromisoformat(request["today"]))
    site = Site(**request["site"]) if request["site"] else None
    url = page_url(site, found.fields) if site else request["url"]
    document_id = request["document_id"]
    around = context(found.fields, document_id, found.title)
    document = Document(document_id, found.title, found.text, url, request["language"], around)
    chunks = chunk_document(document, anchored=site is not None and has_anchors(site))
    return {
        "title": document.title,
        "url": document.url,
        "context": document.context,
        "text": document.text,
        "unclosed_line": found.unclosed_line,
        "chunks": [(chunk.chunk_id, chunk.heading_path, chunk.text, chunk.url) for chunk in chunks],
    }


def serve(connection: socket.socket, limits: Limits, work: Work) -> None:
    """Until the other side ends, or until the heap has grown."""
    send(connection, b"ready")
    idle_bytes = _address_space_bytes()
    while True:
        request, content = receive(connection), receive(connection)
        if request is None or content is None:
            return
        with _Limited(limits, idle_bytes):
            reply = _reply(orjson.loads(request), content, limits, work)
        del content
        parsed.cache_clear()
        gc.collect()
        retires = _address_space_bytes() > idle_bytes + RETIRES_ABOVE_BYTES
        send(connection, orjson.dumps({**reply, "retires": retires}))
        if retires:
            return


def _reply(request: dict[str, Any], content: bytes, limits: Limits, work: Work) -> dict[str, Any]:
    # Made before: where memory has run out, there may be none left to say so.
    too_big = {
        "unreadable": f"takes more than the {limits.memory_bytes // 1_000_000} MB that a file may take; split it"
    }
    try:
        return work(request, content)
    except Unreadable as problem:
        return {"unreadable": str(problem)}
    except MemoryError:
        return too_big
    except Exception as problem:  # noqa: BLE001 -- any fault of a reader is this file's, and its author is told
        return {"unreadable": f"cannot be read: {type(problem).__name__}: {str(problem)[:200]}"}


class _Limited:
    """A timer that ends the process and a limit of its address space, while a file is read."""

    def __init__(self, limits: Limits, idle_bytes: int) -> None:
        self._limits = limits
        self._idle_bytes = idle_bytes
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        self._without_limit = (hard, hard)  # made before, as above

    def __enter__(self) -> None:
        if self._idle_bytes:
            hard = self._without_limit[1]
            resource.setrlimit(resource.RLIMIT_AS, (self._idle_bytes + self._limits.memory_bytes, hard))
        signal.setitimer(signal.ITIMER_PROF, self._limits.cpu_s)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        if self._idle_bytes:
            resource.setrlimit(resource.RLIMIT_AS, self._without_limit)


def _address_space_bytes() -> int:
    """0 where the system does not tell; there only time is limited."""
    return int(_STATM.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") if _STATM.exists() else 0


def run(work: Work) -> None:
    """Arguments: the file descriptor of the connection, the limits of a file."""
    # Control-C is for the parent, which ends the connection.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    gc.freeze()
    descriptor, cpu_s, memory_bytes = sys.argv[1:]
    with socket.socket(fileno=int(descriptor)) as connection:
        serve(connection, Limits(float(cpu_s), int(memory_bytes)), work)


if __name__ == "__main__":
    run(document_and_chunks)
