"""What every role that touches knowledge holds open: store, index and embedders, chosen by the settings."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from supportplane_crds import AgentFile, KnowledgeBase
from supportplane_runtime.rag.embedding.interfaces import Embedders
from supportplane_runtime.rag.embedding.local import LocalEmbedders
from supportplane_runtime.rag.index.interfaces import ChunkIndex, Collection
from supportplane_runtime.rag.index.pgvector import PgVectorIndex
from supportplane_runtime.rag.search.retriever import IndexRetriever
from supportplane_runtime.settings import Settings
from supportplane_runtime.store.postgres.store import PostgresStore, open_store


@dataclass(frozen=True, slots=True)
class Held:
    settings: Settings
    file: AgentFile
    store: PostgresStore
    index: ChunkIndex
    embedders: Embedders

    @property
    def tenant(self) -> str:
        return self.file.agent.spec.tenant.id

    def collection(self, base: KnowledgeBase) -> Collection:
        return Collection(self.tenant, base.metadata.name, base.spec.language)

    def retriever(self, base: KnowledgeBase) -> IndexRetriever:
        return IndexRetriever(self.collection(base), self.index, self.embedders.of(base.spec.language))


@asynccontextmanager
async def hold(settings: Settings, file: AgentFile) -> AsyncIterator[Held]:
    async with AsyncExitStack() as stack:
        store = await open_store(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
        stack.push_async_callback(store.close)
        index = await _open_index(settings, store)
        stack.push_async_callback(index.close)
        embedders = LocalEmbedders(threads=settings.embedding_threads)
        stack.push_async_callback(embedders.close)
        yield Held(settings, file, store, index, embedders)


async def _open_index(settings: Settings, store: PostgresStore) -> ChunkIndex:
    if settings.weaviate_url is None:
        return PgVectorIndex(store.database.pool)
    # The client takes as long to import as everything else together, and only who has a Weaviate needs it.
    from supportplane_runtime.rag.index.weaviate import WeaviateIndex  # noqa: PLC0415

    return await WeaviateIndex.connect(
        settings.weaviate_url, grpc_port=settings.weaviate_grpc_port, api_key=settings.weaviate_api_key
    )
