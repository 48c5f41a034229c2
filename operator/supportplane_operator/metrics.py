"""Every metric of the operator, declared once. Labels are bounded: kinds and results, never names of objects."""

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
        self.status_requests = Counter(
            "supportplane_operator_status_requests",
            "Questions to agents about their status: answered or silent.",
            ["result"],
            registry=self.registry,
        )
