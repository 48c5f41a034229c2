"""The role ``knowledge``: reads the agent's knowledge bases into the index once; a JSON line per step on stdout.

``progress`` lines are Progress of rag/ingest.py, ``finished`` lines its IngestReport, each with its knowledge base.
"""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import orjson

from supportplane_crds import AgentFile
from supportplane_runtime.app.held import hold
from supportplane_runtime.rag.ingest import IngestionParts, Progress, ingest
from supportplane_runtime.rag.ingest_lock import PostgresIngestionLock
from supportplane_runtime.rag.reading import read_knowledge_base
from supportplane_runtime.settings import Settings


async def run(settings: Settings, file: AgentFile) -> None:
    async with hold(settings, file) as held:
        parts = IngestionParts(held.index, held.embedders, PostgresIngestionLock(held.store.database.pool))
        for base in file.knowledge_bases:
            say = partial(_say, base.metadata.name)
            reading = await asyncio.to_thread(read_knowledge_base, base.spec, settings.agent_file.parent)
            report = await ingest(held.collection(base), reading, parts, progress=partial(_say_progress, say))
            say("finished", asdict(report))


def _say_progress(say: Callable[[str, dict[str, Any]], None], progress: Progress) -> None:
    say("progress", asdict(progress))


def _say(knowledge_base: str, event: str, facts: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps({"event": event, "knowledge_base": knowledge_base, **facts}) + b"\n")
    sys.stdout.buffer.flush()
