"""Seconds and memory of reading and cutting one file, over doubling sizes, for odd and hostile shapes and for prose.

Run by `pytest tests/bench/test_reading.py -s`. The slope is the exponent between the two largest sizes: 1 is linear.
Seconds are of the processor, in this process and without limits; the memory is that of a reader process at its largest.
"""

import gc
import math
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import pytest

from supportplane_crds.knowledge_base import KnowledgeBaseSpec
from supportplane_runtime.domain.knowledge import Document
from supportplane_runtime.rag.documents.blocks import parsed
from supportplane_runtime.rag.documents.chunking import chunk_document
from supportplane_runtime.rag.documents.reader_process import ReaderProcess, Request
from supportplane_runtime.rag.documents.reader_worker import Limits
from supportplane_runtime.rag.documents.readers import read
from supportplane_runtime.rag.documents.reading import read_knowledge_base
from supportplane_runtime.rag.documents.text import Unreadable

SIZES = (25_000, 50_000, 100_000, 200_000)
SENTENCE = "Glowhouse lamps are tested for a year before they are sold. "
SHAPES: dict[str, str] = {
    "prose.md": SENTENCE * 6 + "\n\n",
    "sections.md": "## A heading\n\n" + SENTENCE * 4 + "\n\n",
    "headings.md": "# a\n",
    "list.md": "- an item of a list\n",
    "table.md": "| a cell | another |\n",
    "links.md": "[a](b",
    "addresses.md": "http://",
    "comments.md": "a <!-- b -->\n\n",
    "open comments.md": "a <!--\n\n",
    "template tags.md": "{% a %} {{< b >}} {# c #}\n",
    "open tags.md": "{% {{< {# {/* ",
    "backticks.md": "` `` ",
    "quotations.md": "> ",
    "hidden.md": "<b hidden>x</b>\n",
    "prose.html": "<p>" + SENTENCE * 6,
    "list.html": "<li>an item of a list",
    "table.html": "<tr><td>a cell<td>another",
    "nested divisions.html": "<div>",
    "nested lists.html": "<ul><li>",
    "open attributes.html": '<a href="',
    "references.html": "&amp;",
    "less than.html": "<",
    "comments.html": "<!-- a -->b",
    "unclosed fonts.html": "<font>x<b>",
    "spans.html": "<tr><td rowspan=9 colspan=9>x",
    "title.html": "<title>",
}


def content(name: str, size: int) -> bytes:
    shape = SHAPES[name]
    return (("<table>" if "td" in shape else "") + shape * (size // len(shape))).encode()


def read_and_cut(name: str, size: int) -> float:
    """Processor seconds."""
    started = time.process_time()
    with suppress(Unreadable):
        found = read(content(name, size), name, date(2026, 1, 1))
        chunk_document(Document("d", found.title, found.text, "u"))
    return time.process_time() - started


@contextmanager
def without_collector() -> Iterator[None]:
    """As in the reader process."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def megabytes(name: str, size: int) -> float:
    with ReaderProcess(Limits(60, 2_000_000_000), deadline_s=120) as reader:
        request = Request(name, name, "u", "en", "2026-01-01")
        reader.read(request, b"started")
        status = Path(f"/proc/{reader.process_id}/status")
        with suppress(Unreadable):
            reader.read(request, content(name, size))
        peak = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
        return int(peak[1]) / 1e3 if peak else math.nan


@pytest.mark.slow
def test_reading_over_doubling_sizes() -> None:
    print(f"\n{'seconds of':24}" + "".join(f"{size // 1000:>8} KB" for size in SIZES) + "   slope  MB at the largest")
    with without_collector():
        for name in SHAPES:
            seconds = []
            for size in SIZES:
                seconds.append(read_and_cut(name, size))
                parsed.cache_clear()
                gc.collect()
            slope = math.log2(max(seconds[-1], 1e-4) / max(seconds[-2], 1e-4))
            times = "".join(f"{each:11.3f}" for each in seconds)
            print(f"{name:24}{times}   {slope:5.2f}  {megabytes(name, SIZES[-1]):6.0f}", flush=True)


@pytest.mark.slow
def test_a_folder_of_two_thousand_files(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"{number}.md").write_text(f"# Page {number}\n\n" + f"{SENTENCE * 6}\n\n" * 4)
    spec = KnowledgeBaseSpec.model_validate({"sources": ({"name": "docs", "path": str(tmp_path)},)})
    started = time.monotonic()
    found = read_knowledge_base(spec, tmp_path)
    took_s = time.monotonic() - started
    started = time.monotonic()
    for path in sorted(tmp_path.iterdir()):
        page = read(path.read_bytes(), path.name, date(2026, 1, 1))
        chunk_document(Document(path.name, page.title, page.text, "u"))
    here_s = time.monotonic() - started
    print(f"\n{len(found.documents)} files: {took_s:.1f} s in the reader process, {here_s:.1f} s in this one")
