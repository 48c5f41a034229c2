"""The role ``knowledge``: reads the agent's knowledge bases into the index once; a JSON line per step on stdout.

``progress`` lines are Progress of rag/ingestion, ``finished`` lines its IngestReport, ``failed`` lines the reason; each
with its knowledge base, and the last two with the sources that could not be read and the files that no pattern selects.
After a change of the embedding model the old passages answer until the new ones are complete; then they are dropped.
The log, on stderr, has a line for every file that was left out. How it went is kept in the store, for the processes
that serve. A knowledge base that cannot be read keeps nobody from the others, and the process ends with exit code 1.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
import structlog

from supportplane_crds import AgentFile, EmbeddingModel, KnowledgeBase
from supportplane_runtime.app.clients import AgentClients, open_agent_clients
from supportplane_runtime.errors import InvalidRequest, KnowledgeUnavailable, RuntimeFault
from supportplane_runtime.rag.documents.reading import Reading, Skipped
from supportplane_runtime.rag.documents.sources import SourcesRead, Unread, Unselected, read_sources
from supportplane_runtime.rag.ingestion.ingest import IngestionParts, IngestReport, Progress, ingest
from supportplane_runtime.rag.ingestion.lock import PostgresIngestionLock
from supportplane_runtime.settings import Settings

log = structlog.get_logger(__name__)

NOTHING = SourcesRead(Reading((), ()), (), ())


async def run(settings: Settings, file: AgentFile) -> None:
    """Raises KnowledgeUnavailable when anything but single files could not be read."""
    async with open_agent_clients(settings, file) as clients:
        parts = IngestionParts(clients.index, clients.embedders, PostgresIngestionLock(clients.store.database.pool))
        failures = [await _Base(clients, parts, base).read() for base in file.knowledge_bases]
    told = [failure for failure in failures if failure is not None]
    if told:
        raise KnowledgeUnavailable(" ".join(told))


@dataclass(frozen=True, slots=True)
class _Base:
    """One knowledge base of the file, to be read."""

    clients: AgentClients
    parts: IngestionParts
    base: KnowledgeBase

    @property
    def name(self) -> str:
        return self.base.metadata.name

    async def read(self) -> str | None:
        """What could not be read, as a sentence; it is kept in the store and told."""
        found = NOTHING
        try:
            found = await asyncio.to_thread(read_sources, self.base.spec, self.clients.settings.agent_file.parent)
            self._log(found.reading.skipped)
            await self._keep_answering(found)
            report = await self._ingest(found)
        except RuntimeFault as fault:
            return await self._failed(found, fault.detail)
        except Exception as problem:  # of one knowledge base: the others are read, and the exit code tells
            log.exception("knowledge_base_not_read", knowledge_base=self.name)
            return await self._failed(found, f"{type(problem).__name__} while it was read; the log says where.")
        self._log(report.skipped[len(found.reading.skipped) :])
        return await self._completed(found, report)

    async def _failed(self, found: SourcesRead, reason: str) -> str:
        sentence = self._sentence(reason.removeprefix(f"{self.name}: "))
        await self.clients.store.readings.save_failed(self.clients.tenant, self.name, sentence)
        self._say("failed", {"reason": sentence, "skipped": _facts(found.reading.skipped), **_of_sources(found)})
        return sentence

    async def _completed(self, found: SourcesRead, report: IngestReport) -> str | None:
        failure = self._sentence(_reasons(found.unread)) if found.unread else None
        skipped = [(each.name, each.reason) for each in report.skipped]
        model = self.base.spec.embedding_model
        await self.clients.store.readings.save_completed(
            self.clients.tenant, self.name, skipped=skipped, failure=failure, embedding=model
        )
        await self._drop_others(model)
        self._say("finished", {**asdict(report), **_of_sources(found)})
        return failure

    async def _keep_answering(self, found: SourcesRead) -> None:
        """Raises InvalidRequest where a change of the embedding model would lose the passages of a source."""
        answering, model = await self.clients.answering(self.base), self.base.spec.embedding_model
        if found.unread and answering != model:
            raise InvalidRequest(
                f"{_reasons(found.unread)}; passages of {answering} answer until every source can be read and embedded"
                f" with {model}"
            )

    async def _drop_others(self, model: EmbeddingModel) -> None:
        """Collections of other models answer nothing any more."""
        for other in EmbeddingModel:
            if other is not model:
                await self.clients.index.drop(self.clients.collection(self.base, other))

    def _log(self, skipped: Sequence[Skipped]) -> None:
        for each in skipped:
            log.warning("document_skipped", knowledge_base=self.name, name=each.name, reason=each.reason)

    def _sentence(self, reason: str) -> str:
        return f"Knowledge base {self.name}: {reason.rstrip('.')}."

    async def _ingest(self, found: SourcesRead) -> IngestReport:
        """Raises InvalidRequest with what the sources lack when there is nothing to read at all."""
        if found.unread and not found.reading.documents and not found.reading.skipped:
            raise InvalidRequest(_reasons(found.unread))
        await self.clients.store.readings.save_begun(self.clients.tenant, self.name)
        return await ingest(
            self.clients.collection(self.base),
            found.reading,
            self.parts,
            progress=self._say_progress,
            unread=[each.source for each in found.unread],
        )

    def _say_progress(self, progress: Progress) -> None:
        self._say("progress", asdict(progress))

    def _say(self, event: str, facts: dict[str, Any]) -> None:
        sys.stdout.buffer.write(orjson.dumps({"event": event, "knowledge_base": self.name, **facts}) + b"\n")
        sys.stdout.buffer.flush()


def _reasons(unread: Sequence[Unread]) -> str:
    return "; ".join(each.reason for each in unread)


def _of_sources(found: SourcesRead) -> dict[str, Any]:
    return {"unread": _facts(found.unread), "unselected": _facts(found.unselected)}


def _facts(found: Sequence[Skipped | Unread | Unselected]) -> list[dict[str, Any]]:
    return [asdict(each) for each in found]
