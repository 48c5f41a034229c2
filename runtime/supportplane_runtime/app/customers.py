"""What serves customers, for the roles serve and gateway: the gateway's parts over the store, the cache and a Turns."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from supportplane_crds import AgentFile
from supportplane_crds.support_agent import LimitScope
from supportplane_runtime.app.database import schema_fault, visitor_secret
from supportplane_runtime.app.disliked_answers import disliked_answers
from supportplane_runtime.app.gateways import following
from supportplane_runtime.app.long_lived import keep_garbage_collections_short
from supportplane_runtime.app.open_files import allow_open_files
from supportplane_runtime.gateway.api.status.tokens import read_operator_keys
from supportplane_runtime.gateway.application import create_app
from supportplane_runtime.gateway.audit.retention import Audited
from supportplane_runtime.gateway.identity.key_files import KeyFiles
from supportplane_runtime.gateway.parts import GatewayParts
from supportplane_runtime.gateway.server import build_server, connections_wanted
from supportplane_runtime.health import Probe, Reporting
from supportplane_runtime.settings import Settings
from supportplane_runtime.store.interfaces.limits import Limit
from supportplane_runtime.store.interfaces.store import Store
from supportplane_runtime.store.redis.limits import RedisRateLimiter
from supportplane_runtime.store.redis.link import RedisLink
from supportplane_runtime.turns.interfaces import Turns


@dataclass(frozen=True, slots=True)
class CustomerService:
    """probes: of what is behind this process beside database, schema and cache. awaited: before it is ready."""

    settings: Settings
    file: AgentFile
    store: Store
    turns: Turns
    probes: tuple[Probe, ...]
    awaited: tuple[Probe, ...]
    reporting: Reporting


async def serve_customers(service: CustomerService) -> None:
    """Until SIGTERM."""
    settings, tenant, limits = service.settings, service.file.agent.spec.tenant.id, _limits(service.file)
    allow_open_files(connections_wanted(settings))
    async with AsyncExitStack() as stack:
        link = RedisLink(settings.redis_url.get_secret_value())
        stack.push_async_callback(link.close)
        limiter = RedisRateLimiter(link, limits)
        await stack.enter_async_context(following(settings.gateways_file, limiter.share_among))
        parts = GatewayParts(
            turns=service.turns,
            lookup=service.store.turnbook,
            records=service.store.records,
            feedback=service.store.feedback,
            gaps=service.store.gaps,
            keys=service.store.keys,
            sessions=service.store.sessions,
            limiter=limiter,
            new_visitors=limits[LimitScope.NEW_VISITOR],
            audit=service.store.audit,
            visitor_secret=await visitor_secret(service.store, tenant, settings.data_dir),
            probes=(*_probes(service.store, link), *service.probes),
            awaited=service.awaited,
            turn_timeout=service.file.agent.spec.template.orchestrator.turn_timeout,
            mode=service.file.agent.spec.mode.value,
            trusted_proxies=service.file.agent.spec.gateway.trusted_proxies,
            audited=_audited(service.file),
            agent=service.file.agent.name,
            reporting=service.reporting,
            operator_keys=read_operator_keys(settings.operator_jwks_file),
            disliked=await disliked_answers(service.store, tenant, link),
        )
        await stack.enter_async_context(_key_files(service))
        server = build_server(create_app(parts, settings), settings)
        keep_garbage_collections_short()
        await server.serve()


@asynccontextmanager
async def _key_files(service: CustomerService) -> AsyncIterator[None]:
    folder = service.settings.api_keys_dir
    if folder is None:
        yield
        return
    agent = service.file.agent
    async with KeyFiles(folder, service.store.keys, tenant=agent.spec.tenant.id, agent=agent.name):
        yield


def _limits(file: AgentFile) -> dict[str, Limit]:
    return {scope: Limit(limit.requests, limit.window) for scope, limit in file.agent.spec.gateway.limits().items()}


def _audited(file: AgentFile) -> Audited:
    agent = file.agent
    return Audited(agent.spec.tenant.id, agent.name, timedelta(days=agent.spec.data_policy.retention.audit_days))


def _probes(store: Store, link: RedisLink) -> tuple[Probe, ...]:
    async def database() -> str:
        await store.probe()
        return "PostgreSQL answers."

    async def schema() -> str:
        await store.probe()  # a database that cannot be asked is told from one that is behind
        fault = await schema_fault(store)
        if fault is not None:
            raise fault
        return "The database has this release's schema."

    async def cache() -> str:
        await link.probe()
        return "Redis answers."

    return Probe("database", database), Probe("schema", schema), Probe("cache", cache, required=False)
