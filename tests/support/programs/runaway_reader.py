"""A reader process whose reader does what the file says: for test_reader_process.py, in place of reader_worker.py."""

import os
import signal
import time
from typing import Any

from supportplane_runtime.rag.documents.reader_worker import document_and_chunks, run


def work(request: dict[str, Any], content: bytes) -> dict[str, Any]:
    match content:
        case b"loops":
            while True:
                pass
        case b"sleeps":
            time.sleep(600)
        case b"takes all memory":
            return {"text": "x" * 10_000_000_000}
        case b"is killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case b"crashes":
            os.abort()
        case b"raises":
            raise KeyError("abc")
        case b"recurses":
            return work(request, content)
    return document_and_chunks(request, content)


if __name__ == "__main__":
    run(work)
