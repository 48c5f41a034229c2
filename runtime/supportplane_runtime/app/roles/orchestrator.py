"""The role ``orchestrator``: works on turns that gateways elsewhere accept, until SIGTERM."""

from supportplane_crds import AgentFile
from supportplane_runtime.app.clients import Held, hold
from supportplane_runtime.app.database import schema_fault, turns_token, wait_for_schema
from supportplane_runtime.app.long_lived import keep_garbage_collections_short
from supportplane_runtime.app.worker import Working, work
from supportplane_runtime.orchestrator.http_server import Served, build_server
from supportplane_runtime.settings import Settings


async def run(settings: Settings, file: AgentFile) -> None:
    async with hold(settings, file) as held:
        await wait_for_schema(held.store)
        token = await turns_token(held.store, held.tenant)
        async with work(held, drain_s=settings.drain_grace_s) as working:
            server = build_server(_served(held, working, token), settings)
            keep_garbage_collections_short()
            await server.serve()


def _served(held: Held, working: Working, token: str) -> Served:
    async def ready() -> None:
        fault = await schema_fault(held.store)
        if fault is not None:
            raise fault

    return Served(working.turns, token, ready, working.report)
