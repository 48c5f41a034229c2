"""The order of starting: leftovers, weights, embedded parts, schema, then the runtime beside the documents and the key.

Documents that cannot be read keep nobody from an index of before; what is wrong with them is told (ADR 0019).
"""

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

from supportplane_cli.embedded.ports import http_status
from supportplane_cli.embedded.postgres import Postgres
from supportplane_cli.embedded.process import Child, ChildSpec, Part
from supportplane_cli.errors import DataUnusable, PartFailed
from supportplane_cli.layout import save_layout
from supportplane_cli.model_download import fetch
from supportplane_cli.stopping import stop
from supportplane_cli.supervisor.credentials import has_index, keep_failures, write_first_key
from supportplane_cli.supervisor.greeting import not_refreshed_block
from supportplane_cli.supervisor.ingestion import Ingestion, not_refreshed, sentence, show
from supportplane_cli.supervisor.leftovers import end_leftovers
from supportplane_cli.supervisor.logs import rotate
from supportplane_cli.supervisor.parts import RUNTIME_MODULE, Embedded, Gateway, build_embedded, runtime_environment
from supportplane_cli.supervisor.plan import EmbeddedModel, Plan
from supportplane_cli.supervisor.report import Reporter
from supportplane_cli.supervisor.warmth import (
    migrations_fingerprint,
    read_warmth,
    save_warmth,
    schema_version,
)
from supportplane_crds import Mode

MIGRATE_DEADLINE_S = 300.0  # as store/migrate.py: seconds on new data, minutes for indexes on real data
TICK_S = 0.05
MOST_NAMED = 5  # files of a knowledge base that were left out; the log names all
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
        self.not_refreshed: list[dict[str, str]] = []
        self.key = ""
        self.is_announced = False
        self._warmth = read_warmth(plan.data)

    def run(self) -> None:
        """Returns when questions can be answered; documents that were read before are checked while it answers."""
        rotate(self._plan.data.logs)
        for name in end_leftovers(self._plan.data):
            self._report.say(f"{name} of a supervisor that was killed was still running; it was ended")
        self.embedded = build_embedded(self._plan, self._weights())
        self.environment = runtime_environment(self._plan, self.embedded)
        self._start_embedded()
        self._bring_schema()
        save_layout(self._plan.data)
        self._start_runtime()

    def poll(self) -> None:
        """Look once at everything that was started and is not done. Raises CommandFailed for what failed."""
        self._pending = [pending for pending in self._pending if not self._is_ready(pending)]
        if self.ingestion is None:
            return
        show(self.ingestion.poll(), self._report, most_named=MOST_NAMED)
        if self.ingestion.is_finished:
            run, self.ingestion = self.ingestion, None
            self._end(run)

    def _end(self, run: Ingestion) -> None:
        """Of the documents: told, and remembered when all could be read."""
        untold = run.untold()
        keep_failures(self._plan.tenant, self.environment["SUPPORTPLANE_DATABASE_URL"], untold)
        outcomes = [*run.outcomes, *untold]
        self.not_refreshed = not_refreshed(outcomes)
        self._report.finished("documents", "; ".join(map(sentence, outcomes)))
        lines = not_refreshed_block(self.not_refreshed) if self.is_announced else []
        facts = {"outcomes": [asdict(each) for each in outcomes], "not_refreshed": self.not_refreshed}
        self._report.notice("documents", facts, lines)
        if not self.not_refreshed:
            self._remember(indexed=self._knowledge_bases())

    def kill(self) -> None:
        """Every part at once, for a signal's handler: whoever waits for one sees its end."""
        for part in self.parts:
            part.kill_unwaited()
        if self.ingestion is not None:
            self.ingestion.child.kill_unwaited()

    def _weights(self) -> Path | None:
        """The model file to run, downloaded first when a hub's was asked for."""
        model = self._plan.model
        if not isinstance(model, EmbeddedModel) or model.hub_file is None:
            return None
        step = "download"
        self._report.started(step)

        def progress(done: int, total: int) -> None:
            self._report.progress(step, f"{model.name}, MB", done >> 20, total >> 20)

        with stop.raising():  # minutes in a library; what has arrived is kept
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
        stop.check()
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

    def _bring_schema(self) -> None:
        """Migrate, unless the last start did it with the same migrations and the database still says so."""
        database_url = self.environment["SUPPORTPLANE_DATABASE_URL"]
        wanted = migrations_fingerprint()
        known = self._warmth.schema is not None and self._warmth.migrations == wanted
        if known and schema_version(database_url) == self._warmth.schema:
            return
        self._report.started("schema")
        self._migrate()
        self._report.finished("schema")
        self._remember(migrations=wanted, schema=schema_version(database_url))

    def _migrate(self) -> None:
        """Run the runtime's `migrate` role. Raises DataUnusable with its last words."""
        argv = (sys.executable, "-m", RUNTIME_MODULE, "migrate")
        log_file = self._plan.data.log("migrate")
        child = Child(ChildSpec(name="The migration", argv=argv, log_file=log_file, environment=self.environment))
        deadline = time.monotonic() + MIGRATE_DEADLINE_S
        try:
            while child.is_running and time.monotonic() < deadline:
                self.poll()
                stop.pause(TICK_S)
            code = child.wait(timeout_s=TICK_S)
        finally:
            child.stop()
        if code != 0:
            raise DataUnusable(f"The database could not be brought to this release's schema.{child.log_tail(1)}")

    def _start_runtime(self) -> None:
        """The gateway and the reading of the documents, side by side; meanwhile the first key is made."""
        self._begin(Gateway(self._plan, self.environment))
        self._report.started("documents")
        bases = [base.name for base in self._plan.agent.knowledge_bases]
        self.ingestion = Ingestion(self.environment, self._plan.data.log("knowledge"), bases)
        self.key = write_first_key(self._plan, self.environment["SUPPORTPLANE_DATABASE_URL"])
        read_before = self._warmth.indexed == self._knowledge_bases()
        while self._pending or not (read_before or self.ingestion is None):
            self.poll()
            stop.pause(TICK_S)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        """Until the gateway says that questions can be answered. Raises PartFailed when nothing leads there."""
        deadline = None
        while http_status(self._plan.port, "/readyz", timeout_s=10) != HTTPStatus.OK:
            self.poll()
            if self.ingestion is None:
                if deadline is None:
                    self._ensure_index()
                    deadline = time.monotonic() + Gateway.start_deadline_s
                if time.monotonic() > deadline:
                    raise PartFailed("The gateway does not become ready.", hint=f"see {self._plan.url}/readyz")
            stop.pause(TICK_S)

    def _ensure_index(self) -> None:
        """Raises PartFailed when the documents could not be read and there is no index of before."""
        spec = self._plan.agent.agent.spec
        if not self.not_refreshed or spec.mode is Mode.HANDOFF_ONLY:
            return
        names = [ref.name for ref in spec.template.knowledge]
        if has_index(self._plan.tenant, self.environment["SUPPORTPLANE_DATABASE_URL"], names):
            return
        reasons = "\n  ".join(f"{each['knowledge_base']}: {each['reason']}" for each in self.not_refreshed)
        raise PartFailed(
            f"No documents could be read, and none are indexed from before:\n  {reasons}",
            hint="mend that and start again; `supportplane logs knowledge` says more",
        )

    def _knowledge_bases(self) -> tuple[str, ...]:
        """What identifies the documents of this agent; their content is the knowledge role's business."""
        return (self._plan.tenant, *sorted(base.name for base in self._plan.agent.knowledge_bases))

    def _remember(self, **facts: Any) -> None:
        self._warmth = replace(self._warmth, **facts)
        save_warmth(self._plan.data, self._warmth)

    def _is_ready(self, pending: Pending) -> bool:
        part = pending.part
        if part.is_running and not part.is_ready():
            if time.monotonic() > pending.deadline:
                raise PartFailed(f"{part.name} was not ready after {part.start_deadline_s:.0f} s.{part.log_tail()}")
            return False
        part.wait_ready()  # at once for a ready part; raises with what the log says for one that ended
        self._report.finished(part.name)
        return True


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
            stop.pause(0.5)
        else:
            return
