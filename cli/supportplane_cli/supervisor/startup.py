"""The order of starting: leftovers, weights, embedded parts, schema, then the runtime beside the documents."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from supportplane_cli.embedded.postgres import Postgres
from supportplane_cli.embedded.process import Child, ChildSpec, Part
from supportplane_cli.errors import DataUnusable, PartFailed
from supportplane_cli.layout import save_layout
from supportplane_cli.model_download import fetch
from supportplane_cli.supervisor.ingestion import Ingestion, sentence, show
from supportplane_cli.supervisor.leftovers import end_leftovers
from supportplane_cli.supervisor.logs import rotate
from supportplane_cli.supervisor.parts import RUNTIME_MODULE, Embedded, Gateway, build_embedded, runtime_environment
from supportplane_cli.supervisor.plan import EmbeddedModel, Plan
from supportplane_cli.supervisor.report import Reporter

MIGRATE_DEADLINE_S = 300.0  # as store/migrate.py: seconds on new data, minutes for indexes on real data
TICK_S = 0.05
ORPHANS_DEADLINE_S = 15.0  # backends of a killed PostgreSQL finish their statement before they notice
ORPHANS_SIGN = "shared memory block"


@dataclass(slots=True)
class Pending:
    """A started part that is not ready yet."""

    part: Part
    deadline: float


class Startup:
    """Everything `up` starts. ``parts`` grows while it runs, so that whatever has started can be stopped."""

    def __init__(self, plan: Plan, report: Reporter, on_change: Callable[[], None]) -> None:
        self._plan = plan
        self._report = report
        self._on_change = on_change
        self._pending: list[Pending] = []
        self.parts: list[Part] = []
        self.embedded = Embedded(None, None, None)
        self.environment: dict[str, str] = {}
        self.ingestion: Ingestion | None = None

    def run(self) -> None:
        """Returns when questions can be answered. Raises CommandFailed."""
        rotate(self._plan.data.logs)
        for name in end_leftovers(self._plan.data):
            self._report.say(f"{name} of a supervisor that was killed was still running; it was ended")
        self.embedded = build_embedded(self._plan, self._weights())
        self.environment = runtime_environment(self._plan, self.embedded)
        self._start_embedded()
        self._migrate()
        save_layout(self._plan.data)
        self._start_runtime()

    def _weights(self) -> Path | None:
        """The model file to run, downloaded first when a hub's was asked for."""
        model = self._plan.model
        if not isinstance(model, EmbeddedModel) or model.hub_file is None:
            return None
        step = "download"
        self._report.started(step)

        def progress(done: int, total: int) -> None:
            self._report.progress(step, f"{model.name}, MB", done >> 20, total >> 20)

        path = fetch(model.hub_file, self._plan.data.models, progress)
        self._report.finished(step, str(path))
        return path

    def _start_embedded(self) -> None:
        """All at once; only the database is waited for, because only it is needed next."""
        for part in (self.embedded.redis, self.embedded.model):
            if part is not None:
                self._begin(part)
        if self.embedded.postgres is not None:
            self._start_postgres(self.embedded.postgres)

    def _begin(self, part: Part) -> None:
        self._report.started(part.name)
        self.parts.append(part)
        part.start()
        self._pending.append(Pending(part, time.monotonic() + part.start_deadline_s))
        self._on_change()

    def _start_postgres(self, postgres: Postgres) -> None:
        self._report.started(postgres.name)
        fresh = not postgres.data.exists()
        postgres.prepare()
        self.parts.append(postgres)
        start_past_orphans(postgres)
        self._on_change()
        postgres.provision()
        self._report.finished(postgres.name, "new database" if fresh else "")

    def _migrate(self) -> None:
        self._report.started("schema")
        migrate(self.environment, self._plan.data.log("migrate"))
        self._report.finished("schema")

    def _start_runtime(self) -> None:
        """The gateway and the reading of the documents, side by side; both are waited for."""
        self._begin(Gateway(self._plan, self.environment))
        self._report.started("documents")
        self.ingestion = Ingestion(self.environment, self._plan.data.log("knowledge"))
        while self._pending or self.ingestion is not None:
            self._poll_ingestion(self.ingestion)
            self._pending = [pending for pending in self._pending if not self._is_ready(pending)]
            time.sleep(TICK_S)

    def _is_ready(self, pending: Pending) -> bool:
        part = pending.part
        if part.is_running and not part.is_ready():
            if time.monotonic() > pending.deadline:
                raise PartFailed(f"{part.name} was not ready after {part.start_deadline_s:.0f} s.{part.log_tail()}")
            return False
        part.wait_ready()  # at once for a ready part; raises with what the log says for one that ended
        self._report.finished(part.name)
        return True

    def _poll_ingestion(self, ingestion: Ingestion | None) -> None:
        if ingestion is None:
            return
        show(ingestion.poll(), self._report)
        if ingestion.is_finished:
            self._report.finished("documents", "; ".join(map(sentence, ingestion.results)))
            self.ingestion = None


def migrate(environment: dict[str, str], log_file: Path) -> None:
    """Run the runtime's `migrate` role. Raises DataUnusable with its last words."""
    argv = (sys.executable, "-m", RUNTIME_MODULE, "migrate")
    child = Child(ChildSpec(name="The migration", argv=argv, log_file=log_file, environment=environment))
    if child.wait(timeout_s=MIGRATE_DEADLINE_S) != 0:
        raise DataUnusable(f"The database could not be brought to this release's schema.{child.log_tail(1)}")


def start_past_orphans(postgres: Postgres) -> None:
    """Start and wait; a server that was killed may have left backends that hold its shared memory for a moment."""
    deadline = time.monotonic() + ORPHANS_DEADLINE_S
    while True:
        postgres.start()
        try:
            postgres.wait_ready()
        except PartFailed as failure:
            if ORPHANS_SIGN not in failure.message or time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return
