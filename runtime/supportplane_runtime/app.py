"""The composition root: the only module that chooses implementations. ``python -m supportplane_runtime.app ROLE``.

serve      gateway and orchestrator in one process, until SIGTERM
knowledge  read the agent's knowledge bases into the index once; a JSON line per step on standard output
migrate    bring the database to this release's schema

A wrong setting or agent file ends the start with exit code 2 and a sentence, a part that is away with exit code 1.
"""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import structlog
from pydantic import ValidationError

from supportplane_crds import AgentFile, InvalidAgentFile, KnowledgeBase, Writing, load_agent_file
from supportplane_crds.model_endpoint import CredentialsRef
from supportplane_runtime import telemetry
from supportplane_runtime.errors import InvalidRequest, KnowledgeUnavailable, RuntimeFault
from supportplane_runtime.gateway.application import create_app
from supportplane_runtime.gateway.parts import GatewayParts, Probe
from supportplane_runtime.gateway.server import build_server
from supportplane_runtime.model.chat import Endpoint, ServedChatModel, Timeouts
from supportplane_runtime.orchestrator.checkpoints import checkpoint_saver
from supportplane_runtime.orchestrator.engine import GraphEngine
from supportplane_runtime.orchestrator.graph import Parts
from supportplane_runtime.orchestrator.nodes.decide import Thresholds
from supportplane_runtime.orchestrator.nodes.retrieve import Knowledge
from supportplane_runtime.orchestrator.policy import policy_of
from supportplane_runtime.orchestrator.turns import Bounds, LocalTurns
from supportplane_runtime.rag.embedding import LocalEmbedders
from supportplane_runtime.rag.ingest import IngestionParts, IngestReport, Progress, ingest
from supportplane_runtime.rag.ingest_lock import PostgresIngestionLock
from supportplane_runtime.rag.interfaces import ChunkIndex, Collection, Embedders
from supportplane_runtime.rag.pgvector import PgVectorIndex
from supportplane_runtime.rag.reading import read_knowledge_base
from supportplane_runtime.rag.retriever import IndexRetriever
from supportplane_runtime.rag.weaviate import WeaviateIndex
from supportplane_runtime.settings import Settings, load_settings
from supportplane_runtime.store.interfaces import Limit
from supportplane_runtime.store.migrate import upgrade
from supportplane_runtime.store.postgres.store import PostgresStore, open_store
from supportplane_runtime.store.redis import RedisLink, RedisRateLimiter

log = structlog.get_logger(__name__)

USAGE_ERROR = 2
VISITOR_SECRET_BYTES = 32
THRESHOLDS = Thresholds(answer=0.5, in_scope=0.5)


@dataclass(frozen=True, slots=True)
class Opened:
    """What every role that touches knowledge holds open."""

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
async def opened(settings: Settings, file: AgentFile) -> AsyncIterator[Opened]:
    async with AsyncExitStack() as stack:
        store = await open_store(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
        stack.push_async_callback(store.close)
        index = await _open_index(settings, store)
        stack.push_async_callback(index.close)
        embedders = LocalEmbedders(threads=settings.embedding_threads)
        stack.push_async_callback(embedders.close)
        yield Opened(settings, file, store, index, embedders)


async def serve(settings: Settings, file: AgentFile) -> None:
    async with opened(settings, file) as held, AsyncExitStack() as stack:
        link = RedisLink(settings.redis_url.get_secret_value())
        stack.push_async_callback(link.close)
        model = _model(settings, file)
        stack.push_async_callback(model.close)
        turns = await stack.enter_async_context(_turns(held, model))
        parts = GatewayParts(
            turns=turns,
            lookup=held.store.turnbook,
            records=held.store.records,
            keys=held.store.keys,
            sessions=held.store.sessions,
            limiter=RedisRateLimiter(link, _limits(file)),
            audit=held.store.audit,
            visitor_secret=_visitor_secret(settings.data_dir),
            probes=_probes(held, link, model),
            turn_timeout=file.agent.spec.template.orchestrator.turn_timeout,
        )
        await build_server(create_app(parts, settings), settings).serve()


async def knowledge(settings: Settings, file: AgentFile) -> None:
    async with opened(settings, file) as held:
        lock = PostgresIngestionLock(held.store.database.pool)
        parts = IngestionParts(held.index, held.embedders, lock)
        for base in file.knowledge_bases:
            name = base.metadata.name
            reading = await asyncio.to_thread(read_knowledge_base, base.spec, settings.agent_file.parent)
            report = await ingest(held.collection(base), reading, parts, progress=partial(_say_progress, name))
            _say_finished(name, report)


async def migrate(settings: Settings, _: AgentFile) -> None:
    version = await asyncio.to_thread(upgrade, settings.database_url.get_secret_value())
    log.info("database_migrated", version=version)


async def _open_index(settings: Settings, store: PostgresStore) -> ChunkIndex:
    if settings.weaviate_url is None:
        return PgVectorIndex(store.database.pool)
    return await WeaviateIndex.connect(
        settings.weaviate_url, grpc_port=settings.weaviate_grpc_port, api_key=settings.weaviate_api_key
    )


def _turns(held: Opened, model: ServedChatModel) -> LocalTurns:
    agent = held.file.agent
    policy = policy_of(agent, language=next((base.spec.language for base in held.file.knowledge_bases), "en"))
    parts = Parts(
        policy=policy,
        thresholds=THRESHOLDS,
        knowledge=_knowledge(held),
        model=model if agent.spec.template.model.writing is Writing.VERIFIED else None,
    )
    engine = GraphEngine(parts, checkpoint_saver(held.store.database.pool))
    bounds = Bounds(running=held.settings.max_running_turns, drain_s=held.settings.drain_grace_s)
    return LocalTurns(engine, held.store.turnbook, policy, bounds=bounds)


def _knowledge(held: Opened) -> list[Knowledge]:
    """The knowledge bases that the agent names, each with its topK."""
    return [
        Knowledge(held.retriever(held.file.knowledge_base(ref.name)), ref.top_k)
        for ref in held.file.agent.spec.template.knowledge
    ]


def _model(settings: Settings, file: AgentFile) -> ServedChatModel:
    """The server the environment names (the embedded one, or --model), else the ModelEndpoint's own."""
    spec = file.model_endpoint.spec
    timeouts = Timeouts(first_token_s=spec.timeout.total_seconds())
    if settings.model_url is not None:
        key = settings.model_api_key.get_secret_value() if settings.model_api_key else None
        return ServedChatModel(Endpoint(settings.model_url, settings.model_name or "default", key, timeouts))
    if spec.url is None or spec.model is None:
        raise InvalidRequest(
            f"ModelEndpoint {file.model_endpoint.metadata.name} is embedded, and SUPPORTPLANE_MODEL_URL does not say"
            " where the embedded server listens; `supportplane up` starts it and sets that."
        )
    key = _secret(settings.data_dir, spec.credentials_secret_ref) if spec.credentials_secret_ref else None
    return ServedChatModel(Endpoint(spec.url, spec.model, key, timeouts))


def _secret(data_dir: Path, ref: CredentialsRef) -> str:
    path = data_dir / "secrets" / ref.name / ref.key
    try:
        return path.read_text().strip()
    except OSError as error:
        raise InvalidRequest(
            f"credentialsSecretRef {ref.name}/{ref.key}: {path} cannot be read ({error.strerror}); put the token there."
        ) from error


def _visitor_secret(data_dir: Path) -> bytes:
    """Signs the tokens of widget visitors; kept, so that a restart does not lose their conversations."""
    path = data_dir / "passwords" / "visitor-secret"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(VISITOR_SECRET_BYTES))
        draft.replace(path)
    return bytes.fromhex(path.read_text().strip())


def _limits(file: AgentFile) -> dict[str, Limit]:
    return {limit.scope: Limit(limit.requests, limit.window) for limit in file.agent.spec.gateway.rate_limits}


def _probes(held: Opened, link: RedisLink, model: ServedChatModel) -> tuple[Probe, ...]:
    """Knowledge is not required: without it questions are handed off, which is an answer to the customer."""
    writes = held.file.agent.spec.template.model.writing is Writing.VERIFIED

    async def database() -> str:
        await held.store.probe()
        return "PostgreSQL answers."

    async def cache() -> str:
        await link.probe()
        return "Redis answers."

    async def language_model() -> str:
        if not writes:
            return "Not asked: answers are quoted from the documents (spec.template.model.writing is Disabled)."
        await model.probe()
        return f"{model.name} answers."

    async def documents() -> str:
        counts = [await held.index.count(held.collection(base)) for base in held.file.knowledge_bases]
        total, chunks = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
        if not total:
            raise KnowledgeUnavailable("No documents are indexed yet; run: supportplane ingest")
        return f"{total} documents, {chunks} passages."

    return (
        Probe("database", database),
        Probe("cache", cache, required=False),
        Probe("model", language_model, required=False),
        Probe("knowledge", documents, required=False),
    )


def _say_progress(knowledge_base: str, progress: Progress) -> None:
    _say({"event": "progress", "knowledge_base": knowledge_base, **asdict(progress)})


def _say_finished(knowledge_base: str, report: IngestReport) -> None:
    _say({"event": "finished", "knowledge_base": knowledge_base, **asdict(report)})


def _say(event: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(event) + b"\n")
    sys.stdout.buffer.flush()


def _wrong_settings(error: ValidationError) -> str:
    lines = [
        f"SUPPORTPLANE_{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
        for problem in error.errors(include_input=False)
    ]
    return "\n".join(lines)


ROLES = {"serve": serve, "knowledge": knowledge, "migrate": migrate}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in ROLES:
        print(f"usage: python -m supportplane_runtime.app {{{'|'.join(ROLES)}}}", file=sys.stderr)
        return USAGE_ERROR
    try:
        settings = load_settings()
        telemetry.configure_logging(settings)
        asyncio.run(ROLES[arguments[0]](settings, load_agent_file(settings.agent_file)))
    except ValidationError as error:
        print(_wrong_settings(error), file=sys.stderr)
        return USAGE_ERROR
    except InvalidAgentFile as error:
        print(error, file=sys.stderr)
        return USAGE_ERROR
    except RuntimeFault as fault:
        print(fault.detail, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
