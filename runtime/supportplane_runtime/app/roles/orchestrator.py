"""The role ``orchestrator``: works on turns that gateways elsewhere accept, until SIGTERM."""

from supportplane_crds import AgentFile
from supportplane_runtime.app.clients import AgentClients, open_agent_clients
from supportplane_runtime.app.database import schema_fault, turns_token, wait_for_schema
from supportplane_runtime.app.long_lived import keep_garbage_collections_short
from supportplane_runtime.app.worker import Worker, open_worker
from supportplane_runtime.orchestrator.http_server import Served, build_server
from supportplane_runtime.settings import Settings


async def run(settings: Settings, file: AgentFile) -> None:
    async with open_agent_clients(settings, file) as clients:
        await wait_for_schema(clients.store)
        token = await turns_token(clients.store, clients.tenant)
        async with open_worker(clients, drain_s=settings.drain_grace_s) as worker:
            server = build_server(_served(clients, worker, token), settings)
            keep_garbage_collections_short()
            await server.serve()


def _served(clients: AgentClients, worker: Worker, token: str) -> Served:
    async def ready() -> None:
        fault = await schema_fault(clients.store)
        if fault is not None:
            raise fault

    return Served(worker.turns, token, ready, worker.report)
