"""The role ``serve``: gateway and orchestrator in one process, until SIGTERM."""

import secrets
from contextlib import AsyncExitStack
from pathlib import Path

from supportplane_crds import AgentFile, Writing
from supportplane_crds.model_endpoint import CredentialsRef
from supportplane_runtime.app.held import Held, hold
from supportplane_runtime.errors import InvalidRequest, KnowledgeUnavailable
from supportplane_runtime.gateway.application import create_app
from supportplane_runtime.gateway.parts import GatewayParts, Probe
from supportplane_runtime.gateway.server import build_server
from supportplane_runtime.model.chat import Endpoint, ServedChatModel, Timeouts
from supportplane_runtime.orchestrator.checkpoints import checkpoint_saver
from supportplane_runtime.orchestrator.engine import GraphEngine
from supportplane_runtime.orchestrator.graph import Parts
from supportplane_runtime.orchestrator.nodes.retrieve import Knowledge
from supportplane_runtime.orchestrator.policy import policy_of
from supportplane_runtime.orchestrator.turns import Bounds, LocalTurns
from supportplane_runtime.settings import Settings
from supportplane_runtime.store.interfaces import Limit
from supportplane_runtime.store.redis import RedisLink, RedisRateLimiter

VISITOR_SECRET_BYTES = 32
AFTER_DRAIN_S = 2.0  # the gateway has waited drain_grace_s for running turns before; what is left resumes elsewhere


async def run(settings: Settings, file: AgentFile) -> None:
    async with hold(settings, file) as held, AsyncExitStack() as stack:
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


def _turns(held: Held, model: ServedChatModel) -> LocalTurns:
    agent = held.file.agent
    policy = policy_of(agent, language=next((base.spec.language for base in held.file.knowledge_bases), "en"))
    parts = Parts(
        policy=policy,
        knowledge=_knowledge(held),
        model=model if agent.spec.template.model.writing is Writing.VERIFIED else None,
    )
    engine = GraphEngine(parts, checkpoint_saver(held.store.database.pool))
    bounds = Bounds(running=held.settings.max_running_turns, drain_s=AFTER_DRAIN_S)
    return LocalTurns(engine, held.store.turnbook, policy, bounds=bounds)


def _knowledge(held: Held) -> list[Knowledge]:
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


def _probes(held: Held, link: RedisLink, model: ServedChatModel) -> tuple[Probe, ...]:
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
