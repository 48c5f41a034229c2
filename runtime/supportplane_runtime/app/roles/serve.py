"""The role ``serve``: gateway and orchestrator in one process, until SIGTERM. A laptop's."""

import asyncio
from dataclasses import replace
from pathlib import Path

from supportplane_crds import AgentFile
from supportplane_crds.runtime_status import OrchestratorStatus, Part
from supportplane_runtime.app.clients import AgentClients, open_agent_clients
from supportplane_runtime.app.customers import CustomerService, serve_customers
from supportplane_runtime.app.database import wait_for_schema
from supportplane_runtime.app.indexed import index_probe, knowledge_probe, waits_for_index
from supportplane_runtime.app.worker import Worker, open_worker
from supportplane_runtime.errors import Unavailable
from supportplane_runtime.health import Probe, Reporting
from supportplane_runtime.settings import Settings

AFTER_DRAIN_S = 2.0  # the gateway has waited drain_grace_s for running turns before; what is left resumes elsewhere
HERE = Part("orchestrator", ok=True, required=True, detail="It works in this process.")


async def run(settings: Settings, file: AgentFile) -> None:
    async with open_agent_clients(settings, file) as clients:
        await wait_for_schema(clients.store)
        async with open_worker(clients, drain_s=AFTER_DRAIN_S) as worker:
            probes = (worker.used_model_probe(), *worker.judge_probes(), knowledge_probe(clients))
            service = CustomerService(
                settings, file, clients.store, worker.turns, probes, _awaited(clients), _reporting(worker)
            )
            await serve_customers(service)


def _awaited(clients: AgentClients) -> tuple[Probe, ...]:
    index = (index_probe(clients),) if waits_for_index(clients.file) else ()
    key_file = clients.settings.first_key_file
    return index if key_file is None else (*index, _key_probe(key_file))


def _key_probe(path: Path) -> Probe:
    async def written() -> str:
        if not await asyncio.to_thread(path.exists):
            raise Unavailable("The first API key has not been written yet.")
        return "The first API key is written."

    return Probe("api-key", written)


def _reporting(worker: Worker) -> Reporting:
    async def report() -> OrchestratorStatus:
        found = await worker.report()
        return replace(found, components=(HERE, *found.components))

    return report
