"""The composition root: settings to a running operator, and its orderly end. ``python -m supportplane_operator.main``.

Only wiring: ``listen`` hears of the operator's own kinds, ``watch`` of children and pods. Both fill the cache and put
keys into the queue; workers reconcile the keys while this replica holds the Lease. A replica that loses the Lease ends,
and its successor begins with everything anew.
"""

import asyncio
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from lightkube import AsyncClient

from supportplane_crds.names import LABEL_MANAGED_BY, MANAGED_BY
from supportplane_operator.apply import Writer
from supportplane_operator.cache import Cache, Key
from supportplane_operator.cluster import connect
from supportplane_operator.errors import Misconfigured
from supportplane_operator.health import Health, serve
from supportplane_operator.kinds import OwnKinds
from supportplane_operator.lease import Claim, Lease
from supportplane_operator.listen import listen
from supportplane_operator.metrics import Metrics
from supportplane_operator.observe import Observer
from supportplane_operator.queue import KeyQueue
from supportplane_operator.reconcile import Reconciler
from supportplane_operator.references import References
from supportplane_operator.resources import CHILDREN, OWN_KINDS, POD
from supportplane_operator.resync import Resync
from supportplane_operator.runtime_status import Signer, StatusReader, read_signer
from supportplane_operator.settings import Settings, load_settings
from supportplane_operator.watch import EVERYWHERE, Scope, Watch
from supportplane_operator.work import Workers

log = structlog.get_logger()
_OURS: dict[str, Any] = {LABEL_MANAGED_BY: MANAGED_BY}
STOP_S = 10.0  # for reconciles under way; a pod has 30 s


class Operator:
    """Everything of one process, wired."""

    def __init__(self, settings: Settings, client: AsyncClient, signer: Signer | None) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.queue = KeyQueue()
        self.cache = Cache()
        self.references = References()
        self.own = OwnKinds(self.cache, self.references, self.queue.add)
        claim = Claim(settings.namespace, settings.pod_name, settings.lease_seconds)
        self.lease = Lease(client, claim)
        self.watches = self._watches(client)
        self.resync = Resync(client, self.namespaces, self.own, self.cache)
        self.observer = Observer(client, self.cache, self.references, self.capabilities)
        self.reports = self._reports(signer)
        self.observer.reports = self.reports
        writer = Writer(client, self.cache, self.metrics, lambda: self.lease.is_held)
        reconciler = Reconciler(self.observer, writer, settings, self.reports, lambda: datetime.now(UTC))
        self.workers = Workers(self.queue, reconciler, self.metrics)
        self._known: frozenset[str] = frozenset()

    @property
    def namespaces(self) -> tuple[str, ...]:
        return self.settings.watch_namespaces or (EVERYWHERE,)

    def capabilities(self) -> frozenset[str]:
        """The optional APIs whose watches run. When they change, every agent is looked at."""
        optional = (each for each in self.watches if each.scope.resource.is_optional and each.is_served)
        found = frozenset(each.scope.resource.capability for each in optional)
        if found != self._known:
            self._known = found
            for key in self.cache.keys("SupportAgent"):
                self.queue.add(key)
        return found

    async def lead(self) -> None:
        """From the first complete picture on: reconcile while the Lease is held. Returns when it is lost."""
        await self.resync.once()
        await asyncio.gather(*(each.is_listed.wait() for each in self.watches))
        await self.lease.acquire()
        self.metrics.is_leader.set(1)
        for kind in OWN_KINDS:
            for key in self.cache.keys(kind.kind):
                self.queue.add(key)
        workers = [asyncio.ensure_future(self.workers.run()) for _ in range(self.settings.workers)]
        try:
            await self.lease.keep()
        finally:
            self.metrics.is_leader.set(0)
            await self._finish(workers)

    async def look_again(self) -> None:
        """Every object, every so often, although nothing happened; also finds what a broken watch did not tell."""
        while True:
            await asyncio.sleep(self.settings.resync_s)
            await self.resync.once()
            self.capabilities()
            for kind in OWN_KINDS:
                for key in self.cache.keys(kind.kind):
                    self.queue.look_again(key)

    async def measure(self) -> None:
        while True:
            self.metrics.queue_depth.set(len(self.queue))
            self.metrics.cached_objects.set(len(self.cache))
            self.capabilities()
            await asyncio.sleep(1)

    async def close(self) -> None:
        self.queue.close()
        if self.reports is not None:
            await self.reports.close()
        await self.lease.release()

    async def _finish(self, workers: list[asyncio.Task[None]]) -> None:
        """Reconciles under way get a moment; while the Lease lasts they may still write."""
        self.workers.stop()
        _, late = await asyncio.wait(workers, timeout=STOP_S)
        for each in late:
            each.cancel()

    def _watches(self, client: AsyncClient) -> list[Watch]:
        scopes = [Scope(each, namespace, _OURS) for each in (*CHILDREN, POD) for namespace in self.namespaces]
        return [Watch(client, each, cache=self.cache, changed=self.queue.add, metrics=self.metrics) for each in scopes]

    def _reports(self, signer: Signer | None) -> StatusReader | None:
        if signer is None:
            return None
        return StatusReader(
            signer,
            self.observer.gateway_addresses,
            changed=self._heard,
            timeout_s=self.settings.status_timeout_s,
            metrics=self.metrics,
        )

    def _heard(self, agent: Key) -> None:
        for key in (agent, *self.references.used_by(agent)):
            self.queue.add(key)


async def run(settings: Settings) -> int:
    """Until SIGTERM or the loss of the Lease. Returns the exit code."""
    signer = read_signer(settings.signing_key_file) if settings.signing_key_file else None
    if signer is not None:
        settings = settings.model_copy(update={"status_jwks": signer.jwks})
    operator = Operator(settings, connect(), signer)
    stop = asyncio.Event()
    health = Health(operator.metrics, lambda: operator.resync.is_done)
    parts = [operator.look_again(), operator.measure(), *(each.run() for each in operator.watches)]
    leading: asyncio.Future[None] = asyncio.ensure_future(operator.lead())
    leading.add_done_callback(lambda _: stop.set())
    tasks: list[asyncio.Future[None]] = [asyncio.ensure_future(each) for each in parts]
    for task in tasks:
        task.add_done_callback(partial(part_ended, stop))
    try:
        async with serve(health, settings):
            at_end = partial(_end, operator, [leading, *tasks])
            await listen(operator.own, settings, stop=stop, at_end=at_end)
    finally:
        await _end(operator, [leading, *tasks])
    return exit_code(leading, tasks)


def part_ended(stop: asyncio.Event, task: asyncio.Future[None]) -> None:
    """None of these ends by itself: without one of them the operator would go on, but blind."""
    if not task.cancelled():
        stop.set()


async def _end(operator: Operator, tasks: list[asyncio.Future[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_S):
            await operator.close()


def exit_code(leading: asyncio.Future[None], tasks: Sequence[asyncio.Future[None]]) -> int:
    """Asked to stop: 0. Lost the Lease or crashed: 1, so that a new process begins."""
    for task in tasks:
        if not task.cancelled():
            log.error("part_ended", error=repr(task.exception()))
            return 1
    if leading.cancelled():
        return 0
    failure = leading.exception()
    log.error("leading_ended", error=str(failure) if failure else "the Lease is lost")
    return 1


def configure_logging(settings: Settings) -> None:
    is_json = settings.log_format == "json"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,  # without the values of variables, which may be long or secret
            structlog.processors.JSONRenderer() if is_json else structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)


def main() -> None:
    settings = load_settings()
    configure_logging(settings)
    try:
        code = asyncio.run(run(settings))
    except Misconfigured as error:
        sys.exit(str(error))
    sys.exit(code)


if __name__ == "__main__":
    main()
