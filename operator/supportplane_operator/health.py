"""/metrics on one port; /healthz and /readyz on another, for the kubelet."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from supportplane_operator.metrics import Metrics
from supportplane_operator.settings import Settings


@dataclass(frozen=True, slots=True)
class Health:
    """is_ready: whether the cluster was seen. A replica that waits for the Lease is ready too."""

    metrics: Metrics
    is_ready: Callable[[], bool]

    async def show_metrics(self, _: web.Request) -> web.Response:
        found = generate_latest(self.metrics.registry)
        return web.Response(body=found, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def alive(self, _: web.Request) -> web.Response:
        """Whoever answers is: the event loop turns."""
        return web.Response(text="ok")

    async def ready(self, _: web.Request) -> web.Response:
        return web.Response(text="ok") if self.is_ready() else web.Response(status=503, text="no listing yet")


@asynccontextmanager
async def serve(health: Health, settings: Settings) -> AsyncIterator[None]:
    metrics, probes = web.Application(), web.Application()
    metrics.router.add_get("/metrics", health.show_metrics)
    probes.router.add_get("/healthz", health.alive)
    probes.router.add_get("/readyz", health.ready)
    runners = []
    try:
        for application, port in ((metrics, settings.metrics_port), (probes, settings.health_port)):
            runner = web.AppRunner(application, access_log=None, handle_signals=False)
            runners.append(runner)
            await runner.setup()
            await web.TCPSite(runner, settings.metrics_host, port).start()
        yield
    finally:
        for runner in runners:
            await runner.cleanup()
