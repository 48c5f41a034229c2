"""The ChunkIndex on Weaviate, for knowledge that has outgrown PostgreSQL; app/ chooses it when settings name its URL.

One Weaviate collection with multi-tenancy; a Weaviate tenant is one collection of one of our tenants, so each has a
shard, a vector graph and BM25 figures of its own, and a query cannot see beyond it. Weaviate does no stemming: chunks
carry their lexemes (lexemes.py), joined by spaces, and the question is turned into lexemes the same way, so it ranks as
the other indexes do. A batch is written object by object; one that was cut off leaves whole chunks, and the next
ingestion writes the rest. Weaviate 1.39 does not take the length of replaced and deleted chunks out of its average, so
after many edits scores are a little high until the knowledge base is written anew; the order hardly changes.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit
from uuid import NAMESPACE_OID, UUID, uuid5

import numpy as np
import weaviate
from grpc import RpcError
from httpx import HTTPError
from numpy.typing import NDArray
from pydantic import SecretStr
from weaviate.classes.config import Configure, DataType, Property, StopwordsPreset, Tokenization, VectorDistances
from weaviate.classes.data import DataObject
from weaviate.classes.init import AdditionalConfig, Auth, GrpcConfig, Timeout
from weaviate.classes.query import Filter, MetadataQuery
from weaviate.collections import CollectionAsync
from weaviate.collections.classes.filters import FilterReturn
from weaviate.exceptions import UnexpectedStatusCodeError, WeaviateBaseError

from supportplane_runtime.domain.knowledge import Chunk
from supportplane_runtime.errors import KnowledgeUnavailable
from supportplane_runtime.languages import Language, language
from supportplane_runtime.rag.index.interfaces import (
    Collection,
    Hit,
    IndexedChunk,
    Matches,
    Query,
    Stretch,
    TextRefused,
)
from supportplane_runtime.rag.words.lexemes import LENGTH_WEIGHT, TERM_SATURATION, lexemes, rarity
from supportplane_runtime.rag.words.searchable import searchable_text

# A change of the properties below takes a new name: the next ingestion fills it.
NAME = "SupportplaneChunksV5"
# Weaviate deletes at most 10,000 objects a call, and reads a page at a time.
PAGE = 1000
PARALLEL_UPDATES = 8

# The client repeats a call that finds no server after 1, 2, 4 ... 32 s; a customer does not wait that long. Enough for
# a Weaviate that is started again: 9 s on a loaded machine.
PATIENCE_S = 15.0
# gRPC waits ever longer, up to two minutes, before it knocks again at a server that was away, answers from memory
# meanwhile ("connection refused", though it listens), and shares that memory among all clients of a process: a
# Weaviate that had been back for 30 s was still refused to clients made anew.
_CHANNEL: Final = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)

_TEXT_LISTS = ("heading_path", "context")
_TEXTS = ("chunk_id", "title", "content", "url", "language", "content_hash", "embedder")
_CHUNK_PROPERTIES = [
    "chunk_id", "document_id", "title", "heading_path", "content", "url", "position", "language", "context",
]  # fmt: skip
_FAILURES = (WeaviateBaseError, HTTPError, RpcError)

Shard = CollectionAsync[Any, Any]
Answer = TypeVar("Answer")
Item = TypeVar("Item")


class WeaviateIndex:
    """Satisfies ChunkIndex. Made by connect()."""

    def __init__(self, client: weaviate.WeaviateAsyncClient) -> None:
        self._client = client

    @classmethod
    async def connect(cls, url: str, *, grpc_port: int, api_key: SecretStr | None = None) -> "WeaviateIndex":
        """Opens the connections and makes the collection where it is missing. Raises KnowledgeUnavailable."""
        address = urlsplit(url)
        host, secure = address.hostname or "127.0.0.1", address.scheme == "https"
        client = weaviate.use_async_with_custom(
            http_host=host,
            http_port=address.port or (443 if secure else 8080),
            http_secure=secure,
            grpc_host=host,
            grpc_port=grpc_port,
            grpc_secure=secure,
            auth_credentials=Auth.api_key(api_key.get_secret_value()) if api_key else None,
            additional_config=AdditionalConfig(
                timeout=Timeout(init=5, query=10, insert=60), grpc_config=GrpcConfig(channel_options=list(_CHANNEL))
            ),
            # They also ask pypi.org for a newer client; what a search needs is asked below.
            skip_init_checks=True,
        )
        index = cls(client)
        try:
            async with _answering():
                await client.connect()
                await _ensure_collection(client)
                await index._searchable()
        except KnowledgeUnavailable:
            await client.close()
            raise
        return index

    async def hashes(self, collection: Collection, embedder: str) -> dict[str, str]:
        found = {}
        async for properties in self._all(collection, ["chunk_id", "content_hash", "embedder"]):
            found[properties["chunk_id"]] = properties["content_hash"] if properties["embedder"] == embedder else ""
        return found

    async def documents(self, collection: Collection) -> dict[str, str]:
        properties = ["chunk_id", "document_id"]
        return {each["chunk_id"]: each["document_id"] async for each in self._all(collection, properties)}

    async def upsert(self, collection: Collection, chunks: Sequence[IndexedChunk], embedder: str) -> None:
        for batch in _pages(chunks):
            objects = [_object(each, language(collection.language), embedder) for each in batch]
            try:
                async with _answering():
                    written = await self._shard(collection).data.insert_many(objects)
            except UnicodeEncodeError as refusal:
                raise TextRefused("holds text that cannot be sent to Weaviate (half a surrogate pair)") from refusal
            if written.has_errors:
                first = next(iter(written.errors.values()))
                raise TextRefused(f"Weaviate refused {len(written.errors)} passages: {first.message}")

    async def relocate(self, collection: Collection, chunks: Sequence[tuple[Chunk, str]]) -> None:
        free = asyncio.Semaphore(PARALLEL_UPDATES)

        async def update(chunk: Chunk, content_hash: str) -> None:
            changes = {"url": chunk.url, "position": chunk.position, "content_hash": content_hash}
            async with free:
                await self._shard(collection).data.update(_uuid(chunk.chunk_id), properties=changes)

        async with _answering():
            await asyncio.gather(*(update(chunk, content_hash) for chunk, content_hash in chunks))

    async def delete(self, collection: Collection, chunk_ids: Sequence[str]) -> None:
        if not chunk_ids or not await self._exists(collection):
            return
        for batch in _pages(chunk_ids):
            async with _answering():
                which = Filter.by_id().contains_any([_uuid(chunk_id) for chunk_id in batch])
                await self._shard(collection).data.delete_many(where=which)

    async def drop(self, collection: Collection) -> None:
        if await self._exists(collection):
            async with _answering():
                await self._client.collections.use(NAME).tenants.remove([_tenant(collection)])

    async def keyword(self, collection: Collection, text: str, *, limit: int) -> list[Hit]:
        wanted = lexemes(text, language(collection.language))
        if not wanted:
            return []
        found = await self._asked(
            collection,
            lambda shard: shard.query.bm25(
                " ".join(wanted),
                query_properties=["lexemes"],
                limit=limit,
                return_metadata=MetadataQuery(score=True),
                return_properties=_CHUNK_PROPERTIES,
            ),
        )
        # Weaviate leaves out the constant factor k1 + 1 of the formula.
        scale = TERM_SATURATION + 1
        return _ranked((each, scale * (each.metadata.score or 0.0)) for each in (found.objects if found else ()))

    async def nearest(self, collection: Collection, vector: NDArray[np.float32], *, limit: int) -> list[Hit]:
        found = await self._asked(
            collection,
            lambda shard: shard.query.near_vector(
                vector.tolist(),
                limit=limit,
                return_metadata=MetadataQuery(distance=True),
                return_properties=_CHUNK_PROPERTIES,
            ),
        )
        return _ranked((each, 1.0 - (each.metadata.distance or 0.0)) for each in (found.objects if found else ()))

    async def rarities(self, collection: Collection, words: Sequence[str]) -> dict[str, float]:
        total = await self._number(collection, None)
        holding = await asyncio.gather(
            *(self._number(collection, Filter.by_property("lexemes").equal(word)) for word in words)
        )
        return {word: rarity(total, containing) for word, containing in zip(words, holding, strict=True)}

    async def search(
        self, collection: Collection, queries: Sequence[Query], *, words: Sequence[str], limit: int
    ) -> Matches:
        keyword, nearest, rarities, chunks = await asyncio.gather(
            asyncio.gather(*(self.keyword(collection, query.text, limit=limit) for query in queries)),
            asyncio.gather(*(self.nearest(collection, query.vector, limit=limit) for query in queries)),
            self.rarities(collection, words),
            self._number(collection, None),
        )
        return Matches(tuple(keyword), tuple(nearest), rarities, chunks)

    async def stretches(self, collection: Collection, stretches: Sequence[Stretch]) -> list[Chunk]:
        if not stretches:
            return []
        found = await self._asked(
            collection,
            lambda shard: shard.query.fetch_objects(
                filters=Filter.any_of([_within(each) for each in stretches]),
                limit=sum(each.last - each.first + 1 for each in stretches),
                return_properties=_CHUNK_PROPERTIES,
            ),
        )
        return [_chunk(each.properties) for each in (found.objects if found else ())]

    async def count(self, collection: Collection) -> tuple[int, int]:
        """Each document has one first chunk; health asks every few seconds, so nothing is read to be counted here."""
        first = Filter.by_property("position").equal(0)
        return await self._number(collection, first), await self._number(collection, None)

    async def optimize(self, collection: Collection) -> None:
        """Weaviate keeps its graphs itself."""

    async def close(self) -> None:
        await self._client.close()

    async def _searchable(self) -> None:
        """Asks something by gRPC, as searches do; a server opens it apart from REST."""
        async with asyncio.timeout(PATIENCE_S):
            await self._client.collections.use(NAME).tenants.get_by_names(["anyone"])

    def _shard(self, collection: Collection) -> Shard:
        return self._client.collections.use(NAME).with_tenant(_tenant(collection))

    async def _exists(self, collection: Collection) -> bool:
        async with _answering():
            return bool(await self._client.collections.use(NAME).tenants.exists(_tenant(collection)))

    async def _asked(self, collection: Collection, question: Callable[[Shard], Awaitable[Answer]]) -> Answer | None:
        """None for a collection that was never written, which Weaviate calls an error; asked about only then."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await question(self._shard(collection))
        except TimeoutError as failure:
            raise KnowledgeUnavailable("Weaviate does not answer") from failure
        except _FAILURES as failure:
            if not await self._exists(collection):
                return None
            raise KnowledgeUnavailable("Weaviate does not answer") from failure

    async def _number(self, collection: Collection, which: FilterReturn | None) -> int:
        """How many chunks there are, or how many a filter lets through."""
        counted = await self._asked(collection, lambda shard: shard.aggregate.over_all(filters=which, total_count=True))
        return (counted.total_count or 0) if counted else 0

    async def _all(self, collection: Collection, properties: list[str]) -> AsyncIterator[dict[str, Any]]:
        if not await self._exists(collection):
            return
        async with _answering():
            async for each in self._shard(collection).iterator(return_properties=properties, cache_size=PAGE):
                yield dict(each.properties)


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    try:
        yield
    except (*_FAILURES, TimeoutError) as failure:
        raise KnowledgeUnavailable("Weaviate does not answer") from failure


async def _ensure_collection(client: weaviate.WeaviateAsyncClient) -> None:
    if await client.collections.exists(NAME):
        return
    try:
        await client.collections.create(
            NAME,
            multi_tenancy_config=Configure.multi_tenancy(auto_tenant_creation=True, auto_tenant_activation=True),
            vector_config=Configure.Vectors.self_provided(
                vector_index_config=Configure.VectorIndex.hnsw(distance_metric=VectorDistances.COSINE)
            ),
            # Function words are gone from the lexemes already, in the collection's language.
            inverted_index_config=Configure.inverted_index(
                bm25_b=LENGTH_WEIGHT, bm25_k1=TERM_SATURATION, stopwords_preset=StopwordsPreset.NONE
            ),
            properties=_properties(),
        )
    except UnexpectedStatusCodeError:
        # Another process may have made it just now.
        if not await client.collections.exists(NAME):
            raise


def _properties() -> list[Property]:
    """Only the lexemes are searched, first chunks counted and neighbours found by their place; the rest is stored."""
    lists = [_stored(name, DataType.TEXT_ARRAY) for name in _TEXT_LISTS]
    stored = [*(_stored(name, DataType.TEXT) for name in _TEXTS), *lists]
    position = Property(name="position", data_type=DataType.INT, index_filterable=True, index_range_filters=True)
    document = Property(
        name="document_id",
        data_type=DataType.TEXT,
        tokenization=Tokenization.FIELD,
        index_filterable=True,
        index_searchable=False,
    )
    searched = Property(
        name="lexemes",
        data_type=DataType.TEXT,
        tokenization=Tokenization.WHITESPACE,
        index_filterable=True,
        index_searchable=True,
    )
    return [*stored, document, position, searched]


def _stored(name: str, data_type: DataType) -> Property:
    return Property(name=name, data_type=data_type, index_filterable=False, index_searchable=False)


def _within(stretch: Stretch) -> FilterReturn:
    position = Filter.by_property("position")
    return Filter.all_of(
        [
            Filter.by_property("document_id").equal(stretch.document_id),
            position.greater_or_equal(stretch.first),
            position.less_or_equal(stretch.last),
        ]
    )


def _tenant(collection: Collection) -> str:
    """Weaviate's names have 64 of few characters; a hash keeps any two collections apart."""
    parts = (collection.tenant, collection.knowledge_base, collection.embedding)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]


def _uuid(chunk_id: str) -> UUID:
    return uuid5(NAMESPACE_OID, chunk_id)


def _object(each: IndexedChunk, known: Language, embedder: str) -> DataObject[dict[str, Any], None]:
    chunk = each.chunk
    counts = lexemes(searchable_text(chunk), known)
    properties = {
        "chunk_id": chunk.chunk_id, "document_id": chunk.document_id, "title": chunk.title,
        "heading_path": list(chunk.heading_path), "content": chunk.text, "url": chunk.url, "position": chunk.position,
        "language": chunk.language, "content_hash": each.content_hash, "embedder": embedder,
        "context": list(chunk.context), "lexemes": " ".join(counts.elements()),
    }  # fmt: skip
    return DataObject(properties=properties, uuid=_uuid(chunk.chunk_id), vector=each.vector.tolist())


def _chunk(properties: Mapping[str, Any]) -> Chunk:
    return Chunk(
        chunk_id=properties["chunk_id"],
        document_id=properties["document_id"],
        title=properties["title"],
        heading_path=tuple(properties["heading_path"] or ()),
        text=properties["content"],
        url=properties["url"],
        position=int(properties["position"]),
        language=properties["language"],
        context=tuple(properties["context"] or ()),
    )


def _ranked(found: Iterable[tuple[Any, float]]) -> list[Hit]:
    hits = [Hit(_chunk(each.properties), score) for each, score in found]
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.chunk_id))


def _pages(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + PAGE] for start in range(0, len(items), PAGE))
