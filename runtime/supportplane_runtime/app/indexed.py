"""What is indexed of an agent's knowledge bases and how they were last read, for health, readiness, status and metrics.

The process that reads documents ends, so those that serve ask index and store, and set the metrics meanwhile. Used by
worker.py.
"""

from contextlib import suppress
from dataclasses import dataclass, replace

from supportplane_crds import AgentFile, KnowledgeBase, Mode
from supportplane_crds.runtime_status import KnowledgeCount
from supportplane_runtime.app.clients import AgentClients, answering_model
from supportplane_runtime.chores import every
from supportplane_runtime.domain.knowledge import LastReading, unread
from supportplane_runtime.errors import KnowledgeUnavailable, RuntimeFault
from supportplane_runtime.health import Probe
from supportplane_runtime.metrics import KNOWLEDGE_DOCUMENTS, KNOWLEDGE_NOT_REFRESHED, KNOWLEDGE_SKIPPED

REFRESH_S = 30.0  # of the metrics, while nobody asks for health; Prometheus asks about as often


@dataclass(frozen=True, slots=True)
class Indexed:
    """Of each knowledge base of the file: what is counted, and how its last reading went where there was one."""

    counts: tuple[KnowledgeCount, ...]
    readings: tuple[LastReading, ...]

    def sentence(self) -> str:
        """For people who may be anyone: no file is named. Raises KnowledgeUnavailable for what is not well."""
        documents, chunks = sum(each.documents for each in self.counts), sum(each.chunks for each in self.counts)
        if not documents:
            raise KnowledgeUnavailable("No documents are indexed yet; run: supportplane ingest")
        counted = f"{documents} documents, {chunks} passages"
        failed = next((each for each in self.readings if each.failed_at), None)
        if failed is not None and failed.failed_at is not None:
            raise KnowledgeUnavailable(
                f"{counted}; knowledge base {failed.knowledge_base} could not be refreshed at "
                f"{failed.failed_at:%Y-%m-%d %H:%M} UTC. `supportplane status`, or on a cluster the log of the "
                "knowledge Job, says why."
            )
        skipped = sum(each.skipped for each in self.counts)
        left_out = [f"{skipped} files left out"] if skipped else []
        return f"{'; '.join([counted, *left_out, *filter(None, (each.change for each in self.counts))])}."

    def unread(self, file: AgentFile) -> str:
        """Why there is no usable index yet, as a sentence; empty when there is."""
        names = [ref.name for ref in file.agent.spec.template.knowledge]
        found = unread(names, self.readings)
        if found is None and not any(each.chunks for each in self.counts if each.name in names):
            found = "No passage is in the index."
        return found or ""


def waits_for_index(file: AgentFile) -> bool:
    """Whether readiness does: not where every question goes to a person anyway."""
    return file.agent.spec.mode is Mode.AUTO and bool(file.agent.spec.template.knowledge)


async def read_index(clients: AgentClients) -> Indexed:
    """Sets the metrics, too. Raises KnowledgeUnavailable, StoreUnavailable."""
    names = {base.name for base in clients.file.knowledge_bases}
    readings = tuple(
        each for each in await clients.store.readings.listing(clients.tenant) if each.knowledge_base in names
    )
    known = {each.knowledge_base: each for each in readings}
    counts = [
        await _count(clients, base, known.get(base.name, LastReading(base.name)))
        for base in clients.file.knowledge_bases
    ]
    _set_metrics(counts)
    return Indexed(tuple(counts), readings)


async def _count(clients: AgentClients, base: KnowledgeBase, last: LastReading) -> KnowledgeCount:
    answering, wanted = answering_model(base, last), base.spec.embedding_model
    documents, chunks = await clients.index.count(clients.collection(base, answering))
    counted = KnowledgeCount(
        base.name, documents, chunks, last.skipped, failed=last.failed_at is not None, embedding=answering
    )
    if answering == wanted:
        return counted
    _, embedded = await clients.index.count(clients.collection(base))
    return replace(counted, next_embedding=wanted, embedded=embedded)


def _set_metrics(counts: list[KnowledgeCount]) -> None:
    for each in counts:
        KNOWLEDGE_DOCUMENTS.labels(each.name).set(each.documents)
        KNOWLEDGE_SKIPPED.labels(each.name).set(each.skipped)
        KNOWLEDGE_NOT_REFRESHED.labels(each.name).set(each.failed)


async def keep_metrics(clients: AgentClients) -> None:
    """For ever. While the database is away the last figures stand; other metrics tell of that."""

    async def read() -> None:
        with suppress(RuntimeFault):
            await read_index(clients)

    await every(REFRESH_S, read, name="knowledge-metrics")


def knowledge_probe(clients: AgentClients) -> Probe:
    """Not required: without documents questions are handed off, which is an answer to the customer."""

    async def documents() -> str:
        return (await read_index(clients)).sentence()

    return Probe("knowledge", documents, required=False)


def index_probe(clients: AgentClients) -> Probe:
    """What readiness waits for."""

    async def usable() -> str:
        found = (await read_index(clients)).unread(clients.file)
        if found:
            raise KnowledgeUnavailable(found)
        return "There is an index."

    return Probe("index", usable)
