import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from supportplane_runtime.errors import KnowledgeUnavailable
from supportplane_runtime.rag.documents.reader_process import ReaderProcess, Request
from supportplane_runtime.rag.documents.reader_worker import Limits
from supportplane_runtime.rag.documents.text import Unreadable

RUNAWAY = "support.programs.runaway_reader"


def request(name: str = "a.md") -> Request:
    return Request(name, f"docs/{name}", f"docs/{name}", "en", "2026-06-15")


@pytest.fixture
def reader() -> Iterator[ReaderProcess]:
    with ReaderProcess(Limits(cpu_s=0.5, memory_bytes=100_000_000), deadline_s=20, worker=RUNAWAY) as process:
        yield process


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        (b"loops", "takes more than the 0.5 seconds of computing that a file may take; split it"),
        (b"takes all memory", "takes more than the 100 MB that a file may take; split it"),
        (b"is killed", "was not read: the system ended its reader, as it does when memory runs out"),
        (b"crashes", "breaks its reader (exit code -6); leave it out with exclude"),
        (b"raises", "cannot be read: KeyError: 'abc'"),
        (b"recurses", "cannot be read: RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_a_file_that_breaks_its_reader_is_told_why_and_the_next_one_is_read(
    reader: ReaderProcess, does: bytes, reason: str
) -> None:
    with pytest.raises(Unreadable) as problem:
        reader.read(request(), does)
    assert str(problem.value).startswith(reason)
    assert reader.read(request("b.md"), b"# Next\n\nText").document.title == "Next"


def test_a_reader_that_stands_still_is_ended() -> None:
    with ReaderProcess(deadline_s=5, worker=RUNAWAY) as reader:
        reader.read(request(), b"first")
        standing = reader.process_id
        with pytest.raises(Unreadable, match="takes longer than 5 seconds to read"):
            reader.read(request(), b"sleeps")
        assert standing is not None
        assert not psutil.pid_exists(standing)


def test_one_process_reads_many_files_and_ends_with_the_context() -> None:
    with ReaderProcess() as reader:
        processes = set()
        for number in range(20):
            reader.read(request(f"{number}.md"), b"Text")
            processes.add(reader.process_id)
    (process,) = processes
    assert process is not None
    assert not psutil.pid_exists(process)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the environment of a process is in /proc")
def test_the_process_gets_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORTPLANE_SOME_PASSWORD", "swordfish")
    with ReaderProcess() as reader:
        reader.read(request(), b"Text")
        environment = Path(f"/proc/{reader.process_id}/environ").read_bytes()
    assert b"swordfish" not in environment


def test_a_process_that_cannot_start_is_not_the_fault_of_a_file(capfd: pytest.CaptureFixture[str]) -> None:
    with ReaderProcess(worker="no_such_reader") as reader, pytest.raises(KnowledgeUnavailable, match="does not start"):
        reader.read(request(), b"Text")
    assert "no_such_reader" in capfd.readouterr().err


def test_the_interpreter_of_the_process_is_this_one() -> None:
    with ReaderProcess() as reader:
        reader.read(request(), b"Text")
        assert reader.process_id is not None
        assert os.path.realpath(psutil.Process(reader.process_id).exe()) == os.path.realpath(sys.executable)
