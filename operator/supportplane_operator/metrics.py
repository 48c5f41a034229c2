"""Every metric of the operator, declared once. Labels are bounded: kinds and results, never names of objects."""

from collections.abc import Hashable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One set a process; tests make their own, so nothing is global."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.reconciles = Counter(
            "supportplane_operator_reconciles",
            "Reconciles by kind and by how they ended: settled, changed, refused, retried, crashed or not_leading.",
            ["kind", "result"],
            registry=self.registry,
        )
        self.duration = Histogram(
            "supportplane_operator_reconcile_duration_seconds",
            "How long a reconcile took, with its writes.",
            ["kind"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.writes = Counter(
            "supportplane_operator_writes",
            "Requests that change the cluster, by kind and verb: apply, delete, status, finalizer or event.",
            ["kind", "verb"],
            registry=self.registry,
        )
        self.queue_depth = Gauge(
            "supportplane_operator_queue_depth", "Keys that wait for a reconcile.", registry=self.registry
        )
        self.is_leader = Gauge(
            "supportplane_operator_is_leader", "1 while this replica may write.", registry=self.registry
        )
        self.watch_restarts = Counter(
            "supportplane_operator_watch_restarts",
            "Watches that had to begin again with a listing.",
            ["kind"],
            registry=self.registry,
        )
        self.cached_objects = Gauge(
            "supportplane_operator_cached_objects", "Objects in the operator's memory.", registry=self.registry
        )
        self.readiness = Readiness(
            Gauge(
                "supportplane_operator_objects",
                "Objects that this replica looks after, by the status and the reason of their condition Ready.",
                ["kind", "ready", "reason"],
                registry=self.registry,
            )
        )
        self.status_requests = Counter(
            "supportplane_operator_status_requests",
            "Questions to agents about their status: answered or silent.",
            ["result"],
            registry=self.registry,
        )


class Readiness:
    """Counts objects by what was last found of each, so that nobody's name has to be a label."""

    def __init__(self, counted: Gauge) -> None:
        self._counted = counted
        self._known: dict[Hashable, tuple[str, ...]] = {}

    def learn(self, key: Hashable, *, kind: str, ready: str, reason: str) -> None:
        """ready: True, False or Unknown."""
        now = (kind, ready, reason)
        if self._known.get(key) != now:
            self.forget(key)
            self._known[key] = now
            self._counted.labels(*now).inc()

    def forget(self, key: Hashable) -> None:
        before = self._known.pop(key, None)
        if before is not None:
            self._counted.labels(*before).dec()
