"""What works on turns, for the roles serve and orchestrator: model client, graph and Turns, and how they are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from supportplane_crds import AgentFile, Writing, embedding_model_of
from supportplane_crds.model_endpoint import CredentialsRef
from supportplane_crds.runtime_status import PART_JUDGE, OrchestratorStatus, Part
from supportplane_crds.support_agent import ResponseCacheMode
from supportplane_runtime.app.clients import AgentClients
from supportplane_runtime.app.indexed import Indexed, keep_metrics, read_index
from supportplane_runtime.app.kept_answers import keeping_answers
from supportplane_runtime.chores import every
from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.health import Probe, check_part
from supportplane_runtime.languages import ENGLISH
from supportplane_runtime.model.chat import Endpoint, ServedChatModel, Timeouts
from supportplane_runtime.orchestrator.checkpoints import checkpoint_saver
from supportplane_runtime.orchestrator.engine import GraphEngine
from supportplane_runtime.orchestrator.gap_meanings import PERIOD_S, GapMeanings
from supportplane_runtime.orchestrator.graph import Parts
from supportplane_runtime.orchestrator.judge import ModelJudge
from supportplane_runtime.orchestrator.nodes.retrieve import Knowledge
from supportplane_runtime.orchestrator.policy import Policy, policy_of
from supportplane_runtime.orchestrator.repeated import RepeatedQuestions
from supportplane_runtime.orchestrator.turns import Bounds, LocalTurns
from supportplane_runtime.orchestrator.work import Engine
from supportplane_runtime.settings import Settings
from supportplane_runtime.store.redis.link import RedisLink


@dataclass(frozen=True, slots=True)
class Worker:
    """judge: the model that judges sentences, which may be the one that writes; None when the agent names none."""

    clients: AgentClients
    model: ServedChatModel
    turns: LocalTurns
    judge: ServedChatModel | None = None

    @property
    def writes(self) -> bool:
        return self.clients.file.agent.spec.template.model.writing is Writing.VERIFIED

    def model_probe(self) -> Probe:
        async def answers() -> str:
            await self.model.probe()
            return f"{self.model.name} answers."

        return Probe("model", answers, required=False)

    def judge_probes(self) -> tuple[Probe, ...]:
        """None where no model judges, or the one that writes does: that one is asked already."""
        judge = self.judge
        if judge is None or judge is self.model:
            return ()

        async def answers() -> str:
            await judge.probe()
            return f"{judge.name} answers."

        return (Probe(PART_JUDGE, answers, required=False),)

    async def report(self) -> OrchestratorStatus:
        """Model and knowledge, asked whether answers need them or not."""
        probes = (self.model_probe(), *self.judge_probes())
        models, (knowledge, found) = await asyncio.gather(
            asyncio.gather(*(check_part(probe) for probe in probes)), self._knowledge()
        )
        if found is None:
            return OrchestratorStatus((*models, knowledge), unread=knowledge.detail)
        return OrchestratorStatus((*models, knowledge), found.counts, found.unread(self.clients.file))

    async def _knowledge(self) -> tuple[Part, Indexed | None]:
        """None: the index or the store does not answer in time."""
        found: list[Indexed] = []

        async def documents() -> str:
            found.append(await read_index(self.clients))
            return found[0].sentence()

        part = await check_part(Probe("knowledge", documents, required=False))
        return part, next(iter(found), None)

    def used_model_probe(self) -> Probe:
        """The same, for who only wants to know of what answers need."""
        if self.writes:
            return self.model_probe()

        async def unasked() -> str:
            return "Not asked: answers are quoted from the documents (spec.template.model.writing is Disabled)."

        return Probe("model", unasked, required=False)


@asynccontextmanager
async def open_worker(clients: AgentClients, *, drain_s: float) -> AsyncIterator[Worker]:
    """drain_s: how long running turns may take to end when this block does."""
    async with AsyncExitStack() as stack:
        model = _model(clients.settings, clients.file)
        stack.push_async_callback(model.close)
        judge = _judge(clients.settings, clients.file, model)
        if judge is not None and judge is not model:
            stack.push_async_callback(judge.close)
        stack.callback(asyncio.create_task(keep_metrics(clients), name="knowledge-metrics").cancel)
        policy = _policy(clients)
        gaps = GapMeanings(clients.store.gaps, clients.embedders.of(_gap_model(clients, policy)), policy)
        placing = every(PERIOD_S, gaps.place, name="gap-meanings")
        stack.callback(asyncio.create_task(placing, name="gap-meanings").cancel)
        engine: Engine = _engine(clients, model, judge, policy)
        if clients.file.agent.spec.template.response_cache.mode is ResponseCacheMode.ENABLED:
            link = RedisLink(clients.settings.redis_url.get_secret_value())
            stack.push_async_callback(link.close)
            engine = RepeatedQuestions(engine, await keeping_answers(clients, model.name, link), policy)
        turns = _turns(clients, engine, policy, drain_s)
        yield Worker(clients, model, await stack.enter_async_context(turns), judge)


def _gap_model(clients: AgentClients, policy: Policy) -> str:
    """One that is loaded for questions anyway."""
    models = [base.spec.embedding_model for base in clients.file.knowledge_bases]
    return next(iter(models), embedding_model_of(policy.language))


def _policy(clients: AgentClients) -> Policy:
    languages = [base.spec.language for base in clients.file.knowledge_bases] or [ENGLISH]
    return policy_of(clients.file.agent, languages=languages, revision=clients.settings.revision)


def _engine(
    clients: AgentClients, model: ServedChatModel, judge: ServedChatModel | None, policy: Policy
) -> GraphEngine:
    agent = clients.file.agent
    parts = Parts(
        policy=policy,
        knowledge=_knowledge(clients),
        model=model if agent.spec.template.model.writing is Writing.VERIFIED else None,
        judge=ModelJudge(judge) if judge is not None else None,
    )
    return GraphEngine(parts, checkpoint_saver(clients.store.database.pool))


def _turns(clients: AgentClients, engine: Engine, policy: Policy, drain_s: float) -> LocalTurns:
    bounds = Bounds(running=clients.settings.max_running_turns, drain_s=drain_s)
    return LocalTurns(engine, clients.store.turnbook, policy, bounds=bounds)


def _knowledge(clients: AgentClients) -> list[Knowledge]:
    """The knowledge bases that the agent names, each with its topK."""
    return [
        Knowledge(clients.retriever(clients.file.knowledge_base(ref.name)), ref.top_k)
        for ref in clients.file.agent.spec.template.knowledge
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
    key = _secret(settings, spec.credentials_secret_ref) if spec.credentials_secret_ref else None
    return ServedChatModel(Endpoint(spec.url, spec.model, key, timeouts))


def _judge(settings: Settings, file: AgentFile, writer: ServedChatModel) -> ServedChatModel | None:
    """The writer's client where both are one ModelEndpoint; another one is reached at its own URL."""
    endpoint = file.judge_endpoint
    if endpoint is None or endpoint.name == file.model_endpoint.name:
        return writer if endpoint is not None else None
    spec = endpoint.spec
    if spec.url is None or spec.model is None:
        raise InvalidRequest(
            f"ModelEndpoint {endpoint.name} judges and has no url: here only the model that writes can be embedded; "
            "give it url and model, or name the writer's ModelEndpoint in spec.template.model.judgeRef."
        )
    key = _secret(settings, spec.credentials_secret_ref) if spec.credentials_secret_ref else None
    timeouts = Timeouts(first_token_s=spec.timeout.total_seconds())
    return ServedChatModel(Endpoint(spec.url, spec.model, key, timeouts))


def _secret(settings: Settings, ref: CredentialsRef) -> str:
    folder: Path = settings.secrets_dir or settings.data_dir / "secrets"
    path = folder / ref.name / ref.key
    try:
        return path.read_text().strip()
    except OSError as error:
        raise InvalidRequest(
            f"credentialsSecretRef {ref.name}/{ref.key}: {path} cannot be read ({error.strerror}); put the token there."
        ) from error
