"""The role ``serve``: gateway and orchestrator in one process, until SIGTERM. A laptop's."""

from dataclasses import replace

from supportplane_crds import AgentFile
from supportplane_runtime.app.edge import Edge, serve_edge
from supportplane_runtime.app.held import hold
from supportplane_runtime.app.shared import wait_for_schema
from supportplane_runtime.app.working import Working, work
from supportplane_runtime.gateway.parts import PartHealth, Report, Reporting
from supportplane_runtime.settings import Settings

AFTER_DRAIN_S = 2.0  # the gateway has waited drain_grace_s for running turns before; what is left resumes elsewhere
HERE = PartHealth("orchestrator", ok=True, required=True, detail="It works in this process.")


async def run(settings: Settings, file: AgentFile) -> None:
    async with hold(settings, file) as held:
        await wait_for_schema(held.store)
        async with work(held, drain_s=AFTER_DRAIN_S) as working:
            probes = (working.used_model_probe(), working.knowledge_probe())
            await serve_edge(Edge(settings, file, held.store, working.turns, probes, _reporting(working)))


def _reporting(working: Working) -> Reporting:
    async def report() -> Report:
        found = await working.report()
        return replace(found, components=(HERE, *found.components))

    return report
