"""The role ``gateway``: serves customers, and has orchestrators elsewhere work on their turns. Until SIGTERM."""

import time
from contextlib import AsyncExitStack

import structlog

from supportplane_crds import AgentFile
from supportplane_crds.runtime_status import OrchestratorStatus, orchestrator_status
from supportplane_runtime.app.customers import CustomerService, serve_customers
from supportplane_runtime.app.database import turns_token, wait_for_schema
from supportplane_runtime.app.indexed import waits_for_index
from supportplane_runtime.errors import InvalidRequest, KnowledgeUnavailable, Unavailable
from supportplane_runtime.health import Probe
from supportplane_runtime.settings import Settings
from supportplane_runtime.store.postgres.store import open_store
from supportplane_runtime.turns.http_client import HttpTurns
from supportplane_runtime.turns.link import OrchestratorLink

log = structlog.get_logger(__name__)

PARTS_PATH = "/internal/v1/parts"
FRESH_S = 1.0  # several probes read one report


async def run(settings: Settings, file: AgentFile) -> None:
    if settings.orchestrator_url is None:
        raise InvalidRequest("SUPPORTPLANE_ORCHESTRATOR_URL: the role gateway needs the address of the orchestrators.")
    async with AsyncExitStack() as stack:
        store = await open_store(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
        stack.push_async_callback(store.close)
        await wait_for_schema(store)
        token = await turns_token(store, file.agent.spec.tenant.id)
        link = await stack.enter_async_context(OrchestratorLink(settings.orchestrator_url, token))
        turns = HttpTurns(link)
        stack.push_async_callback(turns.close)
        behind = Behind(link)
        awaited = (behind.index_probe(),) if waits_for_index(file) else ()
        await serve_customers(CustomerService(settings, file, store, turns, behind.probes(), awaited, behind.report))


class Behind:
    """How the orchestrator is, and through it the parts that only it reaches."""

    def __init__(self, link: OrchestratorLink) -> None:
        self._link = link
        self._report = OrchestratorStatus()
        self._read_at = float("-inf")

    async def report(self) -> OrchestratorStatus:
        if time.monotonic() - self._read_at > FRESH_S:
            try:
                self._report = orchestrator_status(await self._link.call("GET", PARTS_PATH))
            except ValueError as error:
                raise Unavailable("The orchestrator reports in a form of another release") from error
            self._read_at = time.monotonic()
        return self._report

    def probes(self) -> tuple[Probe, ...]:
        async def orchestrator() -> str:
            await self._link.probe()
            return "The orchestrator takes questions."

        return (Probe("orchestrator", orchestrator), self._probe("model"), self._probe("knowledge"))

    def index_probe(self) -> Probe:
        """What readiness waits for; only orchestrators reach the index."""

        async def usable() -> str:
            unread = (await self.report()).unread
            if unread:
                raise KnowledgeUnavailable(unread)
            return "There is an index."

        return Probe("index", usable)

    def _probe(self, name: str) -> Probe:
        async def told() -> str:
            part = (await self.report()).part(name)
            if part is None or not part.ok:
                raise Unavailable(part.detail if part else "The orchestrator does not tell")
            return part.detail

        return Probe(name, told, required=False)
