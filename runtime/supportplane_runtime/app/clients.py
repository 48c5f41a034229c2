"""The clients that every role that touches knowledge opens: store, index and embedders, chosen by the settings.

The evaluation of the command line opens them, too, on a database of its own.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from supportplane_crds import AgentFile, KnowledgeBase
from supportplane_runtime.domain.knowledge import LastReading
from supportplane_runtime.rag.embedding.interfaces import Embedders
from supportplane_runtime.rag.embedding.local import LocalEmbedders
from supportplane_runtime.rag.index.interfaces import ChunkIndex, Collection
from supportplane_runtime.rag.index.pgvector import PgVectorIndex
from supportplane_runtime.rag.search.retriever import IndexRetriever
from supportplane_runtime.rag.search.switching import SwitchingRetriever
from supportplane_runtime.settings import Settings
from supportplane_runtime.store.postgres.store import PostgresStore, open_store

OpenIndex = Callable[[PostgresStore], Awaitable[ChunkIndex]]


@dataclass(frozen=True, slots=True)
class Clients:
    store: PostgresStore
    index: ChunkIndex
    embedders: Embedders

    def retriever_in(self, collection: Collection) -> IndexRetriever:
        return IndexRetriever(collection, self.index, self.embedders.of(collection.embedding))


@dataclass(frozen=True, slots=True)
class AgentClients(Clients):
    """The clients of a process that does an agent's work."""

    settings: Settings
    file: AgentFile

    @property
    def tenant(self) -> str:
        return self.file.agent.spec.tenant.id

    def collection(self, base: KnowledgeBase, model: str | None = None) -> Collection:
        """model: that embeds it, None for the one that the agent file names."""
        return Collection(self.tenant, base.metadata.name, base.spec.language, model or base.spec.embedding_model)

    async def answering(self, base: KnowledgeBase) -> str:
        """The model whose vectors answer: that of the last completed reading. Raises StoreUnavailable."""
        readings = await self.store.readings.listing(self.tenant)
        last = next((each for each in readings if each.knowledge_base == base.name), None)
        return answering_model(base, last)

    def retriever(self, base: KnowledgeBase) -> SwitchingRetriever:
        """Loads the model, so that the first question does not wait for it. Raises KnowledgeUnavailable."""
        self.embedders.of(base.spec.embedding_model)
        return SwitchingRetriever(
            partial(self.answering, base), lambda model: self.retriever_in(self.collection(base, model))
        )


def answering_model(base: KnowledgeBase, last: LastReading | None) -> str:
    """Until the first reading is completed the one that is set, because its passages come in one after the other."""
    return (last.embedding if last is not None else None) or base.spec.embedding_model


@asynccontextmanager
async def open_agent_clients(settings: Settings, file: AgentFile) -> AsyncIterator[AgentClients]:
    async with open_clients(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        embedding_threads=settings.embedding_threads,
        open_index=_beside_the_store if settings.weaviate_url is None else _in_weaviate(settings),
    ) as clients:
        yield AgentClients(clients.store, clients.index, clients.embedders, settings, file)


async def _beside_the_store(store: PostgresStore) -> ChunkIndex:
    return PgVectorIndex(store.database.pool)


@asynccontextmanager
async def open_clients(
    database_url: str, *, pool_size: int, embedding_threads: int, open_index: OpenIndex = _beside_the_store
) -> AsyncIterator[Clients]:
    async with AsyncExitStack() as stack:
        store = await open_store(database_url, pool_size=pool_size)
        stack.push_async_callback(store.close)
        index = await open_index(store)
        stack.push_async_callback(index.close)
        embedders = LocalEmbedders(threads=embedding_threads)
        stack.push_async_callback(embedders.close)
        yield Clients(store, index, embedders)


def _in_weaviate(settings: Settings) -> OpenIndex:
    async def connect(_: PostgresStore) -> ChunkIndex:
        # The client takes as long to import as everything else together, and only who has a Weaviate needs it.
        from supportplane_runtime.rag.index.weaviate import WeaviateIndex  # noqa: PLC0415

        assert settings.weaviate_url is not None  # noqa: S101 - asked by the caller
        return await WeaviateIndex.connect(
            settings.weaviate_url, grpc_port=settings.weaviate_grpc_port, api_key=settings.weaviate_api_key
        )

    return connect
