"""How long an answer without a model takes in 4,000 passages, also while something else keeps every core busy.

pytest -s tests/bench/test_answer_latency.py prints a table, asserts no time. The documents are sentences of our own
docs in random order, so that a question finds many near passages; they are read, cut and embedded by the product. What
keeps a core busy is a process that counts. Each question is new, so that its embedding is made and no answer is kept.
SUPPORTPLANE_BENCH_PASSAGES: another number of passages.
"""

import os
import random
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from bench import load
from bench.test_turn_cost import AGENT, DOCS, TENANT, WARM_UP, bodies, create_key, start, start_model
from support.runtime.roles import Roles
from supportplane_cli.embedded.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

PASSAGES = int(os.environ.get("SUPPORTPLANE_BENCH_PASSAGES", "4000"))
SECTIONS = 10  # of a document, a passage each
SENTENCES = 6  # of a section, about 700 characters
QUESTIONS = 200  # a row of the table
CONNECTIONS = (1, 2, 4)
CORES = os.cpu_count() or 1
INGESTION_S = 1800

_SENTENCE = re.compile(r"[A-Z][^.!?|`\n]{40,200}[.!?](?=\s)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def write_documents(folder: Path) -> None:
    drawn, pages = random.Random(4), [path.read_text() for path in DOCS.rglob("*.md")]  # noqa: S311 - no secret
    headings, sentences = ([found for page in pages for found in kind.findall(page)] for kind in (_HEADING, _SENTENCE))

    def section() -> Iterator[str]:
        yield f"## {drawn.choice(headings)}"
        yield " ".join(drawn.sample(sentences, SENTENCES))

    folder.mkdir()
    for number in range(PASSAGES // SECTIONS):
        lines = [f"# {drawn.choice(headings)} {number}", *(line for _ in range(SECTIONS) for line in section())]
        (folder / f"{number}.md").write_text("\n\n".join(lines))


def start_agent(stack: ExitStack, folder: Path, database_url: str, redis_url: str) -> int:
    """The port of a process that answers from the documents."""
    agent_file, documents, port = folder / "agent.yaml", folder / "documents", free_port()
    write_documents(documents)
    model_port = start_model(stack, folder)
    agent_file.write_text(AGENT.format(tenant=TENANT, writing="Disabled", model_port=model_port, docs=documents))
    environment = {
        "SUPPORTPLANE_AGENT_FILE": str(agent_file),
        "SUPPORTPLANE_DATA_DIR": str(folder),
        "SUPPORTPLANE_DATABASE_URL": database_url,
        "SUPPORTPLANE_REDIS_URL": redis_url,
        "SUPPORTPLANE_LOG_LEVEL": "WARNING",
    }
    roles = Roles(stack, folder, environment)
    reading = roles.start("knowledge")
    assert reading.wait(timeout_s=INGESTION_S) == 0, reading.log_tail()
    roles.serve("serve", port=port)
    return port


async def test_answers_come_in_time(tmp_path: Path, migrated_database_url: str, redis_url: str) -> None:
    table = Table(title=f"An answer without a model, {PASSAGES:,} passages, {QUESTIONS} questions a row")
    for column in ("busy cores", "connections", "p50", "p95", "p99", "answers/s", "bad"):
        table.add_column(column, justify="right")
    with ExitStack() as stack:
        port = start_agent(stack, tmp_path, migrated_database_url, redis_url)
        headers = {"authorization": f"Bearer {await create_key(migrated_database_url)}"}
        url = f"http://127.0.0.1:{port}/api/v1/query"
        await load.run_round(url, bodies(WARM_UP), headers, connections=2)
        failed = 0
        for busy in (0, CORES):
            for number in range(busy):
                start(stack, f"busy-{number}", [sys.executable, "-c", "while True: pass"], tmp_path, {})
            for connections in CONNECTIONS:
                seen = await load.run_round(url, bodies(QUESTIONS), headers, connections=connections)
                waits = (f"{seen.percentile_ms(share):.0f} ms" for share in (0.5, 0.95, 0.99))
                table.add_row(f"{busy} of {CORES}", str(connections), *waits, f"{seen.rate:.0f}", str(seen.failed))
                failed += seen.failed
    Console(width=120).print(table)
    assert failed == 0
