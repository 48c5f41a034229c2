"""Workers: keys from the queue to the reconciler, and what came of it back to queue, metrics and log."""

import asyncio
import time

import structlog

from supportplane_operator.cache import Key
from supportplane_operator.errors import NotLeading, OperatorFault, WriteRefused
from supportplane_operator.metrics import Metrics
from supportplane_operator.queue import KeyQueue
from supportplane_operator.reconcile import Outcome, Reconciler

log = structlog.get_logger()


class Workers:
    """Any number of ``run`` at the same time. The one place that survives whatever a reconcile raises."""

    def __init__(self, queue: KeyQueue, reconciler: Reconciler, metrics: Metrics) -> None:
        self._queue = queue
        self._reconciler = reconciler
        self._metrics = metrics
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """No new key is begun."""
        self._stopped.set()

    async def run(self) -> None:
        stopped = asyncio.ensure_future(self._stopped.wait())
        while not self._stopped.is_set():
            taking = asyncio.ensure_future(self._queue.take())
            await asyncio.wait({taking, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                taking.cancel()
                break
            await self._one(taking.result())
        stopped.cancel()

    async def _one(self, key: Key) -> None:
        started = time.monotonic()
        result = await self._result(key)
        self._metrics.reconciles.labels(key.kind, result).inc()
        self._metrics.duration.labels(key.kind).observe(time.monotonic() - started)

    async def _result(self, key: Key) -> str:
        try:
            outcome = await self._reconciler.reconcile(key)
        except NotLeading:
            self._queue.done(key)
            return "not_leading"
        except OperatorFault as fault:
            delay_s = self._queue.retry(key, least_s=fault.delay_s)
            log.warning("reconcile_retried", kind=key.kind, name=key.name, error=str(fault), delay_s=delay_s)
            return "retried"
        except Exception:
            delay_s = self._queue.retry(key)
            log.exception("reconcile_crashed", kind=key.kind, name=key.name, delay_s=delay_s)
            return "crashed"
        return self._settle(key, outcome)

    def _settle(self, key: Key, outcome: Outcome) -> str:
        if outcome.refused:
            self._queue.retry(key, least_s=WriteRefused.delay_s)
            return "refused"
        self._queue.done(key)
        if outcome.again_s is not None:
            self._queue.add_after(key, outcome.again_s)
        return "changed" if outcome.changed else "settled"
